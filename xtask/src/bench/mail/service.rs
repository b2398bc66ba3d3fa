//! A mail service on loopback in a folder of its own: started, stopped, counted.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::meter::Group;
use super::{dovecot, node};

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// How long a service may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long `doveadm index` may take for the mailbox that is read.
const INDEX_SECONDS_MAX: &str = "600";

/// Which service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This project's node: always sealed.
    Node,
    /// Dovecot, mdbox, plain.
    Mdbox,
    /// Dovecot, mdbox with mail_crypt.
    Crypt,
    /// Dovecot, mdbox with fts_xapian.
    Xapian,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Node, Self::Mdbox, Self::Crypt, Self::Xapian];

    /// The word for tables, folders and the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "bailiwick",
            Self::Mdbox => "mdbox",
            Self::Crypt => "crypt",
            Self::Xapian => "xapian",
        }
    }
}

/// One service.
pub(crate) struct Service {
    pub(crate) kind: Kind,
    /// What it keeps lies here.
    pub(crate) dir: PathBuf,
    /// The first of its ports: LMTP at +24, IMAP at +43, IMAP under TLS at +93.
    pub(crate) base: u16,
    group: Group,
    running: Option<(Child, Option<ChildStdin>)>,
}

impl Service {
    /// Makes the service in `scratch`, with an account for each of `users`, and starts it.
    pub(crate) fn found(kind: Kind, scratch: &Path, binary: &Path, users: &[String]) -> Result<Self, String> {
        let dir = scratch.join(kind.name());
        std::fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let base = free_ports()?;
        match kind {
            Kind::Node => node::found(&dir, binary, base)?,
            _ => dovecot::found(kind, &dir, base, users)?,
        }
        let mut this = Self { kind, dir, base, group: Group::new(kind.name()), running: None };
        this.start(binary)?;
        if kind == Kind::Node {
            node::add_accounts(&this.dir, binary, users)?;
        }
        Ok(this)
    }

    /// Starts it and waits until its doors are open.
    pub(crate) fn start(&mut self, binary: &Path) -> Result<(), String> {
        let mut command = match self.group.door() {
            Some(door) => {
                // The shell puts itself into the group and becomes the service.
                let mut command = Command::new("sh");
                command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(door);
                command
            }
            None => Command::new("env"),
        };
        match self.kind {
            Kind::Node => node::arguments(&mut command, binary, &self.dir),
            _ => dovecot::arguments(&mut command, &self.dir),
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("output.log"));
        let log = log.map_err(|error| error.to_string())?;
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.kind.name()))?;
        let stdin = child.stdin.take();
        self.running = Some((child, stdin));
        let began = Instant::now();
        while !self.doors().into_iter().all(greets) {
            if began.elapsed() > PATIENCE {
                return Err(format!(
                    "{} does not start; see {}",
                    self.kind.name(),
                    self.dir.join("output.log").display()
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Stops it in good order and waits for its end.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        let Some((mut child, stdin)) = self.running.take() else { return Ok(()) };
        // The node ends with its standard input, Dovecot by a signal.
        drop(stdin);
        if self.kind != Kind::Node {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
        }
        let began = Instant::now();
        while child.try_wait().map_err(|error| error.to_string())?.is_none() {
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{} did not stop", self.kind.name()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn doors(&self) -> [SocketAddr; 2] {
        [self.lmtp(), self.imap()]
    }

    fn door(&self, offset: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.base + offset).into()
    }

    /// LMTP, in the clear.
    pub(crate) fn lmtp(&self) -> SocketAddr {
        self.door(24)
    }

    /// IMAP, in the clear.
    pub(crate) fn imap(&self) -> SocketAddr {
        self.door(43)
    }

    /// IMAP under TLS.
    pub(crate) fn imaps(&self) -> SocketAddr {
        self.door(93)
    }

    fn root(&self) -> u32 {
        self.running.as_ref().map_or(0, |(child, _)| child.id())
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        self.group.cpu(self.root())
    }

    /// Waits until it has nothing to do: its processor time stands still, within a twentieth. Two minutes at most; gives 0.
    pub(crate) fn settle(&self) -> u64 {
        const LOOK: Duration = Duration::from_millis(60);
        let (began, mut before, mut quiet) = (Instant::now(), self.cpu(), 0);
        while quiet < 3 && began.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(LOOK);
            let now = self.cpu();
            quiet = if now.saturating_sub(before) < LOOK / 20 { quiet + 1 } else { 0 };
            before = now;
        }
        0
    }

    /// Memory now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.group.memory(self.root())
    }

    /// Whether processor time is counted exactly.
    pub(crate) fn is_exact(&self) -> bool {
        self.group.is_exact()
    }

    /// Builds the index of a mailbox where that is a step of its own, so that its cost falls where it can be seen. Whether
    /// there was one to build.
    pub(crate) fn index(&self, user: &str) -> Result<bool, String> {
        if self.kind != Kind::Xapian {
            return Ok(false);
        }
        let mut index = Command::new("timeout");
        index.args([INDEX_SECONDS_MAX, "doveadm", "-c"]).arg(self.dir.join("dovecot.conf"));
        index.args(["index", "-u", user, "INBOX"]);
        let slow = |error| format!("{error}\nits index was not ready in {INDEX_SECONDS_MAX} s: take a smaller --big");
        run(&mut index, "").map(|_| true).map_err(slow)
    }

    /// What the mail takes on disk: the blocks of all files below the store, in bytes.
    pub(crate) fn disk_bytes(&self) -> Result<u64, String> {
        let dir = match self.kind {
            Kind::Node => self.dir.join("node").join("store"),
            _ => self.dir.join("mail"),
        };
        let output = Command::new("du").args(["-s", "-B1"]).arg(&dir).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
        number.ok_or_else(|| format!("du says nothing of {}", dir.display()))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error}");
        }
    }
}

/// A base at which the ports that services want are free now.
pub(crate) fn free_ports() -> Result<u16, String> {
    let first = 20_000 + (std::process::id() % 100) as u16 * 100;
    let free = |base: &u16| {
        [24, 25, 43, 80, 93].iter().all(|offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base + offset)).is_ok())
    };
    (first..60_000).step_by(100).find(free).ok_or_else(|| "no ports are free".to_owned())
}

/// Runs a command with words for its standard input; its output when it succeeds.
pub(crate) fn run(command: &mut Command, input: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        std::io::Write::write_all(&mut stdin, input.as_bytes()).map_err(failed)?;
    }
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut output).map_err(failed)?;
    }
    match child.wait().map_err(failed)?.success() {
        true => Ok(output),
        false => Err(format!("{name} failed: {output}")),
    }
}

/// Writes a file of the benchmark. Nothing in it need survive a power cut.
#[expect(clippy::disallowed_methods, reason = "a scratch folder that the next run deletes")]
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a door greets: a node's parent listens before its doors answer.
fn greets(door: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(door) else { return false };
    stream.set_read_timeout(Some(PATIENCE)).is_ok() && matches!(stream.read(&mut [0; 1]), Ok(1))
}
