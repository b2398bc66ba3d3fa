//! A site on loopback and a plain HTTP client for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailroom::MailroomGate;
use pages::SiteConfig;
use pages::law::{LawSite, PublishedLaw};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{PASSWORD, Room};

pub(crate) const OWNER: &str = "ann@ie.example";

/// The files of `law/`, as (path, text).
fn law_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../law");
    let (mut files, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "toml") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// A site that serves until it is dropped.
pub(crate) struct Site {
    address: SocketAddr,
    /// Every file of the rendered law site.
    pub(crate) law_paths: Vec<String>,
    _room: Room,
    _stop: watch::Sender<bool>,
}

impl Site {
    /// With one owner, [`OWNER`], and a ledger of a checkpoint and a tile.
    pub(crate) async fn open() -> Self {
        Self::start(|room| MailroomGate::from(room.mailroom.clone())).await
    }

    /// Of a node that nobody has unlocked.
    pub(crate) async fn locked() -> Self {
        Self::start(|_| MailroomGate::locked("mail.ie.example")).await
    }

    async fn start(mail: impl Fn(&Room) -> MailroomGate) -> Self {
        let room = Room::new(&[&[OWNER]]);
        let files = law_files();
        let law = rules::LawSet::load(&files).unwrap_or_else(|errors| panic!("{errors}"));
        let law = LawSite::new(law, &files, "IE".parse().unwrap(), "Europe/Dublin".to_owned()).unwrap();
        let law_paths = law.paths();
        let config = SiteConfig {
            name: "mail.ie.example".to_owned(),
            jurisdiction: "IE".to_owned(),
            jurisdiction_name: "Ireland".to_owned(),
            domains: vec!["ie.example".to_owned()],
            law: Arc::new(PublishedLaw::new(law)),
            ledger_dir: ledger(room.dir.path()),
            mail: mail(&room),
            is_behind_tls_proxy: false,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, shutdown) = watch::channel(false);
        tokio::spawn(pages::serve(listener, config, |_| Some(()), shutdown));
        Self { address, law_paths, _room: room, _stop: stop }
    }

    /// Sends `request` as it stands; the answer up to the end of the connection.
    pub(crate) async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A site that has read enough closes early; that is its right.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned() }
    }

    /// A request with `more` lines of head, each ended by CRLF.
    pub(crate) async fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        self.raw(format!("{head}{more}{length}\r\n{body}").as_bytes()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    /// Signs the owner in.
    pub(crate) async fn sign_in(&self) -> Session<'_> {
        let body = format!("address={}&password={}", percent(OWNER), percent(PASSWORD));
        let answer = self.ask("POST", "/account/sign-in", FORM, &body).await;
        assert_eq!(answer.status, 303, "{}\n{}", answer.head, answer.body);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Session { site: self, cookie }
    }
}

/// The head's line of a posted form.
pub(crate) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A browser that is signed in.
pub(crate) struct Session<'a> {
    site: &'a Site,
    cookie: String,
}

impl Session<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.site.ask("GET", path, &format!("Cookie: {}\r\n", self.cookie), "").await
    }

    /// Posts a form of this session with the owner's password.
    pub(crate) async fn change(&self, change: &str, fields: &str) -> Answer {
        let form = self.get("/account").await.hidden("form");
        let body = format!("form={form}&password={}&{fields}", percent(PASSWORD));
        let head = format!("{FORM}Cookie: {}\r\n", self.cookie);
        self.site.ask("POST", &format!("/account/{change}"), &head, &body).await
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).unwrap_or_else(|| panic!("no {name}: {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A ledger's directory with a checkpoint, a key and a tile in it.
fn ledger(dir: &Path) -> PathBuf {
    let ledger = dir.join("public-ledger");
    std::fs::create_dir_all(ledger.join("tile/0")).unwrap();
    std::fs::write(ledger.join("checkpoint"), "mail.ie.example/ledger\n1\nAAAA\n").unwrap();
    std::fs::write(ledger.join("vkey"), "mail.ie.example/ledger+00000000+AAAA\n").unwrap();
    std::fs::write(ledger.join("tile/0/000"), [7; 32]).unwrap();
    ledger
}
