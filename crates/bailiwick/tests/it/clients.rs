//! Real clients against the real program: swaks, Postfix's smtp-source, Python's smtplib and imaplib, curl, mbsync, mutt.
//!
//! Each needs its tool; `.ci/run` installs them. Where one is missing the test says so and goes on without it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Demo, client, has_tool};

/// What a client needs to know of the Irish node.
struct Place {
    smtp: String,
    lmtp: String,
    imap: String,
    imaps: String,
    ca: String,
    address: String,
    password: String,
    /// The clients' home: theirs to write to, and empty.
    scratch: PathBuf,
}

impl Place {
    fn of(demo: &Demo, scratch: &Path) -> Self {
        let node = demo.node("IE");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let account = &node["accounts"][0];
        Self {
            smtp: text(&node["smtp"]),
            lmtp: text(&node["lmtp"]),
            imap: text(&node["imap"]),
            imaps: text(&node["imaps"]),
            ca: text(&node["ca"]),
            address: text(&account["address"]),
            password: text(&account["password"]),
            scratch: scratch.to_owned(),
        }
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        client(Command::new(program).args(args), &self.scratch)
    }

    fn port(address: &str) -> &str {
        address.rsplit_once(':').unwrap().1
    }

    /// Fills `{name}` in a client's configuration.
    fn fill(&self, template: &str, more: &[(&str, &str)]) -> String {
        let mut text = template.to_owned();
        let own = [
            ("smtp_port", Self::port(&self.smtp)),
            ("lmtp_port", Self::port(&self.lmtp)),
            ("imap_port", Self::port(&self.imap)),
            ("imaps_port", Self::port(&self.imaps)),
            ("ca", &self.ca),
            ("address", &self.address),
            ("password", &self.password),
        ];
        for (name, value) in own.iter().chain(more) {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

fn must(output: &Output, what: &str) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {text}");
    text
}

#[test]
fn real_clients_deliver_and_read() {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    let place = Place::of(&demo, scratch.path());
    python(&place);
    swaks(&place);
    smtp_source(&place);
    curl(&place);
    mbsync(&place, "PLAIN");
    mutt(&place, "plain");
    // The same, with an app password: these two find SCRAM by themselves, and are told so to be sure.
    let made = demo.ask("IE", &["account", "app-password", "add", &place.address, "--name", "test"], &place.password);
    let place = Place { password: made.unwrap()["password"].as_str().unwrap().to_owned(), ..place };
    scram(&place, demo.node("IE")["accounts"][0]["password"].as_str().unwrap());
    mbsync(&place, "SCRAM-SHA-256");
    mutt(&place, "scram-sha-256");
    assert!(demo.interrupt().success());
}

/// smtplib and imaplib: the script asserts for itself.
fn python(place: &Place) {
    if !has_tool("python3") {
        return;
    }
    for script in ["smtp.py", "imap.py"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(script);
        let mut python = Command::new("python3");
        python.arg(path).envs([
            ("SMTP_PORT", Place::port(&place.smtp)),
            ("LMTP_PORT", Place::port(&place.lmtp)),
            ("IMAP_PORT", Place::port(&place.imap)),
            ("IMAPS_PORT", Place::port(&place.imaps)),
            ("CA", &place.ca),
            ("ADDRESS", &place.address),
            ("PASSWORD", &place.password),
        ]);
        must(&client(&mut python, &place.scratch), script);
    }
}

/// imaplib with SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: the script asserts for itself.
fn scram(place: &Place, owners_password: &str) {
    if !has_tool("python3") {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/scram.py");
    let mut python = Command::new("python3");
    python.arg(path).envs([
        ("IMAPS_PORT", Place::port(&place.imaps)),
        ("CA", &place.ca),
        ("ADDRESS", &place.address),
        ("PASSWORD", owners_password),
        ("APP_PASSWORD", &place.password),
    ]);
    must(&client(&mut python, &place.scratch), "scram.py");
}

fn swaks(place: &Place) {
    if !has_tool("swaks") {
        return;
    }
    let abilities = must(&place.run("swaks", &["--support"]), "swaks --support");
    if !abilities.contains("=== TLS supported") {
        let why = "swaks is here without TLS: the package libnet-ssleay-perl is not installed";
        assert!(std::env::var("BAILIWICK_TOOLS").as_deref() != Ok("required"), "{why}");
        println!("skipped: {why}");
        return;
    }
    let port = Place::port(&place.smtp);
    let to = place.address.as_str();
    let send = |to: &str, more: &[&str]| {
        let mut args = vec!["--server", "127.0.0.1", "--port", port, "--from", "swaks@example.org", "--to", to];
        args.extend(more);
        place.run("swaks", &args)
    };
    let text = must(&send(to, &["--tls", "--header", "Subject: from swaks"]), "swaks over STARTTLS");
    assert!(text.contains("250 2.0.0") || text.contains("250 2.6.0"), "{text}");
    must(&send(to, &["--pipeline", "--body", "a line\n.\n..two dots"]), "swaks with pipelining");
    assert!(!send("nobody@ie.example", &[]).status.success(), "an unknown recipient is refused");
    assert!(!send("someone@example.org", &[]).status.success(), "no relaying");
}

fn smtp_source(place: &Place) {
    if !has_tool("smtp-source") {
        return;
    }
    let server = format!("inet:127.0.0.1:{}", Place::port(&place.smtp));
    let args = ["-s", "8", "-m", "100", "-l", "20000", "-f", "load@example.org", "-t", &place.address, &server];
    must(&place.run("smtp-source", &args), "smtp-source");
    let server = format!("inet:127.0.0.1:{}", Place::port(&place.lmtp));
    let args = ["-L", "-s", "4", "-m", "40", "-f", "load@example.org", "-t", &place.address, &server];
    must(&place.run("smtp-source", &args), "smtp-source over LMTP");
}

fn curl(place: &Place) {
    if !has_tool("curl") {
        return;
    }
    let message = b"From: curl@example.org\r\nSubject: by curl\r\n\r\n.one dot\r\nlast line\r\n";
    let file = place.scratch.join("curl.eml");
    std::fs::write(&file, message).unwrap();
    let user = format!("{}:{}", place.address, place.password);
    let smtp = place.fill("smtp://localhost:{smtp_port}", &[]);
    let args =
        ["-sS", "--ssl-reqd", "--cacert", &place.ca, "--mail-from", "curl@example.org", "--mail-rcpt", &place.address];
    must(&place.run("curl", &[&args[..], &["-T", file.to_str().unwrap(), &smtp]].concat()), "curl by SMTP");
    let base = place.fill("imaps://localhost:{imaps_port}", &[]);
    let get = |path: &str, more: &[&str]| {
        let url = format!("{base}{path}");
        place.run("curl", &[&["-sS", "--cacert", &place.ca, "--user", &user, &url][..], more].concat())
    };
    let found = must(&get("/INBOX?SUBJECT%20%22by%20curl%22", &[]), "curl search");
    let number = found.trim().rsplit(' ').next().unwrap().to_owned();
    let fetched = get(&format!("/INBOX;MAILINDEX={number}"), &[]);
    must(&fetched, "curl fetch");
    assert!(fetched.stdout.ends_with(message), "{}", String::from_utf8_lossy(&fetched.stdout));
    must(&get("/", &[]), "curl list");
    let append = ["-T", file.to_str().unwrap()];
    must(&get("/INBOX", &append), "curl append");
}

fn mbsync(place: &Place, mechanism: &str) {
    if !has_tool("mbsync") {
        return;
    }
    let maildir = place.scratch.join(format!("mbsync-{mechanism}"));
    std::fs::create_dir(&maildir).unwrap();
    let config = place.fill(
        "IMAPAccount ie\nHost localhost\nPort {imaps_port}\nUser {address}\nPass {password}\n\
         {tls} IMAPS\nCertificateFile {ca}\nAuthMechs {mechanism}\n\n\
         IMAPStore far\nAccount ie\n\n\
         MaildirStore near\nPath {maildir}/\nInbox {maildir}/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n",
        &[
            ("mechanism", mechanism),
            ("maildir", maildir.to_str().unwrap()),
            ("tls", if mbsync_is_old(place) { "SSLType" } else { "TLSType" }),
        ],
    );
    let file = place.scratch.join("mbsyncrc");
    std::fs::write(&file, config).unwrap();
    let sync = || must(&place.run("mbsync", &["-c", file.to_str().unwrap(), "-a", "-q"]), "mbsync");
    sync();
    let messages = || {
        crate::support::files(&maildir.join("INBOX"))
            .into_iter()
            .filter(|p| p.to_string_lossy().contains(",U="))
            .count()
    };
    let before = messages();
    assert!(before > 8, "mbsync brought {before} messages");
    // A new message here, and a flag there: both arrive on the other side.
    std::fs::write(maildir.join("INBOX/new/1.local"), "Subject: from the near side\n\nhello\n").unwrap();
    sync();
    sync();
    assert_eq!(messages(), before + 1);
}

/// isync before 1.5 says SSLType where later ones say TLSType.
fn mbsync_is_old(place: &Place) -> bool {
    let output = place.run("mbsync", &["--version"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version: Vec<u32> = text.trim().rsplit(' ').next().unwrap().split('.').filter_map(|n| n.parse().ok()).collect();
    version < vec![1, 5]
}

/// mutt opens the mailbox, pipes the first message into a local file, and leaves.
fn mutt(place: &Place, mechanism: &str) {
    if !has_tool("mutt") || !has_tool("script") {
        return;
    }
    let saved = place.scratch.join(format!("saved-{mechanism}"));
    let config = place.fill(
        "set folder=\"{folder}\"\nset imap_user=\"{address}\"\nset imap_pass=\"{password}\"\nset certificate_file=\"{ca}\"\n\
         set ssl_ca_certificates_file=\"{ca}\"\nset ssl_force_tls=yes\n\
         set imap_authenticators=\"{mechanism}\"\nset header_cache=\nset confirmcreate=no\nset confirmappend=no\nset quit=yes\nset delete=no\nset wait_key=no\n\
         set mbox_type=mbox\nset mail_check=0\nset record=\nset move=no\n\
         push \"<first-entry><pipe-message>cat > {saved}<enter><quit>\"\n",
        &[("mechanism", mechanism), ("saved", saved.to_str().unwrap()), ("folder", place.scratch.to_str().unwrap())],
    );
    let file = place.scratch.join("muttrc");
    std::fs::write(&file, config).unwrap();
    let url = place.fill("imaps://localhost:{imaps_port}/INBOX", &[]);
    // Mutt instead of the shell: beside it, in a group of its own, it would not be the one that the terminal listens to.
    let command = format!("exec mutt -n -F {} -f {url}", file.display());
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).env("TERM", "xterm");
    let output = client(&mut script, &place.scratch);
    must(&output, "mutt");
    let text = std::fs::read_to_string(&saved).unwrap_or_default();
    assert!(text.contains("Subject: "), "mutt saved a message: {text:?}, {}", String::from_utf8_lossy(&output.stdout));
}
