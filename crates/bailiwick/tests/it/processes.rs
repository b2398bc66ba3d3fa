//! The processes of a running node: what the one that strangers talk to has given up, and what becomes of the others when one ends.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{OFFICER_PASSPHRASES, Single, client, has_tool, lines, wait_for};
use crate::vault_process::{is_there, kill, status_line};

const RCPT: [&str; 3] = ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<ann@ie.example>"];
const PASSWORD: &str = "correct horse battery staple";

fn rcpt(node: &Single) -> String {
    lines(node.door("smtp"), &RCPT)[3].clone()
}

/// What a client of a door is told, which may be nothing while the node's own process is started again.
fn try_rcpt(node: &Single) -> Option<String> {
    let mut stream = TcpStream::connect(node.door("smtp")).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    for says in RCPT {
        stream.write_all(format!("{says}\r\n").as_bytes()).ok()?;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                break;
            }
        }
    }
    Some(line)
}

fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[test]
fn what_the_one_that_strangers_talk_to_has_given_up() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    node.ask(&["account", "add", "ann@ie.example"], PASSWORD).unwrap();
    assert!(rcpt(&node).starts_with("250 "));
    let own = node.process();
    assert_ne!(own, node.parent());
    assert_eq!(status_line(own, "PPid"), node.parent().to_string());
    assert_eq!(status_line(own, "Seccomp"), "2", "a filter of system calls");
    for process in [own, node.parent()] {
        assert_eq!(status_line(process, "NoNewPrivs"), "1");
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "no core: {core}");
    }
    // Nothing of the environment, and no file open but its own and the log.
    let environment = std::fs::read_to_string(format!("/proc/{own}/environ")).unwrap();
    for setting in environment.split_terminator('\0') {
        assert!(
            ["BAILIWICK_LOG=", "RUST_BACKTRACE=", "GLIBC_TUNABLES="].iter().any(|kept| setting.starts_with(kept)),
            "{setting}"
        );
    }
    for entry in std::fs::read_dir(format!("/proc/{own}/fd")).unwrap() {
        let Ok(target) = std::fs::read_link(entry.unwrap().path()) else { continue };
        let known =
            ["socket:", "anon_inode:", "/dev/null"].iter().any(|known| target.to_string_lossy().starts_with(known))
                || ["store", "ledger", "desk", "law", "run", "import"]
                    .iter()
                    .any(|name| target.starts_with(dir.join(name)))
                || target == dir.join("node.log")
                || target == dir.join("lock")
                || target == Path::new(&format!("/proc/{own}/smaps_rollup"));
        assert!(known, "{}", target.display());
    }
    let lacks = node.ask(&["node", "status"], "").unwrap()["lacks"].as_array().unwrap().len();
    assert_eq!(node.log().matches("the node's own process: ").count(), lacks, "{}", node.log());
}

/// The parent starts it again, with a vault that knows of no session; a node that unlocks itself is ready then.
#[test]
fn the_one_that_strangers_talk_to_is_started_again() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    node.ask(&["account", "add", "ann@ie.example"], PASSWORD).unwrap();
    let (own, vault) = (node.process(), node.vault_process());
    kill(own);
    wait_for("the door", || try_rcpt(&node).is_some_and(|said| said.starts_with("250 ")));
    assert!(node.process() != own && node.vault_process() != vault);
    assert!(!is_there(own) && !is_there(vault));
    assert!(
        node.log().contains("the node's own process ended") && node.log().contains("ready again"),
        "{}",
        node.log()
    );
    // What it does with the ledger and with places elsewhere still works.
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    assert!(node.ask(&["node", "passphrase"], &passphrase).unwrap()["entry"].is_u64());
    let target = scratch.path().join("out");
    let export = ["export", "--account", "ann@ie.example", target.to_str().unwrap()];
    node.ask(&export, PASSWORD).unwrap();
    // All end together.
    let processes = [node.parent(), node.process(), node.vault_process()];
    node.kill();
    wait_for("the end of all", || processes.iter().all(|process| !is_there(*process)));
}

/// SIGTERM ends all three in good order, and the clients hear of it.
#[test]
fn a_signal_ends_all() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    for name in ["-TERM", "-INT"] {
        let node = Single::run(&dir);
        let processes = [node.parent(), node.process(), node.vault_process()];
        let mut stream = BufReader::new(TcpStream::connect(node.door("imap")).unwrap());
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let since = Instant::now();
        signal(node.parent(), name);
        line.clear();
        stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("* BYE "), "{line}");
        wait_for("the end", || processes.iter().all(|process| !is_there(*process)));
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        assert!(!dir.join("run/control.sock").exists());
    }
}

/// Prints the certificate that an IMAP door shows.
const CERTIFICATE: &str = r#"
import ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
print(ssl.get_server_certificate((host, int(port))), end="")
"#;

/// SIGHUP: another certificate for new connections, while those that are open go on.
#[test]
fn a_certificate_is_read_again() {
    if !has_tool("python3") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    let shown = || {
        let mut python = Command::new("python3");
        let output = client(python.args(["-c", CERTIFICATE, node.door("imaps")]), scratch.path());
        String::from_utf8(output.stdout).unwrap().replace('\n', "")
    };
    let there = || std::fs::read_to_string(dir.join("tls/node.pem")).unwrap().replace(['\r', '\n'], "");
    let before = shown();
    assert_eq!(before, there());
    let mut open = BufReader::new(TcpStream::connect(node.door("imap")).unwrap());
    let mut line = String::new();
    open.read_line(&mut line).unwrap();
    std::fs::remove_file(dir.join("tls/node.pem")).unwrap();
    signal(node.parent(), "-HUP");
    wait_for("another certificate", || dir.join("tls/node.pem").exists() && shown() != before);
    assert_eq!(shown(), there());
    open.get_mut().write_all(b"a NOOP\r\n").unwrap();
    line.clear();
    open.read_line(&mut line).unwrap();
    assert!(line.starts_with("a OK"), "{line}");
    // What cannot be read changes nothing.
    std::fs::write(dir.join("tls/operator.pem"), "no certificate").unwrap();
    signal(node.parent(), "-HUP");
    wait_for("a line in the log", || node.log().contains("nothing has changed: "));
    assert_eq!(shown(), there());
}

/// A service manager is told when the node is ready, reads its settings again, and stops.
#[test]
fn a_service_manager_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let (dir, socket) = (scratch.path().join("IE"), scratch.path().join("notify"));
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let told = || {
        let mut bytes = [0; 256];
        let len = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    };
    Single::init(&dir, &[], "");
    let node = Single::run_in(&[("NOTIFY_SOCKET", &socket)], &dir);
    assert_eq!(told(), "READY=1");
    signal(node.parent(), "-HUP");
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(told(), "READY=1");
    drop(node);
    assert_eq!(told(), "STOPPING=1");
}

/// How often a process has these bytes in its memory; `None` where nobody but root may look.
fn found_in(process: u32, needle: &[u8]) -> Option<usize> {
    use std::io::{Read, Seek, SeekFrom};
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).ok()?;
    let mut found = 0;
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ')?;
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-')?;
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        // A page at a time: what is reserved and holds nothing is large.
        let mut bytes = vec![0; 1 << 20];
        let mut at = start;
        while at < end {
            let len = usize::try_from((end - at).min(1 << 20)).unwrap();
            if memory.seek(SeekFrom::Start(at)).and_then(|_| memory.read_exact(&mut bytes[..len])).is_ok() {
                found += memchr::memmem::find_iter(&bytes[..len], needle).count();
            }
            // What lies across two pieces is seen in the next.
            at += if at + (len as u64) < end { len as u64 - needle.len() as u64 } else { len as u64 };
        }
    }
    Some(found)
}

/// Waits for two seconds, and looks for these in the memory of all processes of a node.
fn gone_from(node: &Single, needles: &[(&str, &str)]) {
    std::thread::sleep(Duration::from_secs(2));
    for (whose, process) in [("parent", node.parent()), ("node", node.process()), ("vault", node.vault_process())] {
        for (what, needle) in needles {
            let Some(found) = found_in(process, needle.as_bytes()) else {
                println!(
                    "not root: the memory of a process cannot be read, as it should be, and this test cannot look"
                );
                return;
            };
            assert_eq!(found, 0, "{what} in the {whose}");
        }
    }
}

/// What people typed is in no process two seconds later: at the command line, in a browser's place, at a mail door.
#[test]
fn what_was_typed_is_gone() {
    if !has_tool("python3") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    let holders = ["--key-holder", "dora", "--key-holder", "emil"];
    Single::init(&dir, &holders, "dora's own words\nemil's own words\n");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let open = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    std::fs::write(dir.join("node.toml"), open).unwrap();
    let node = Single::run(&dir);
    for (holder, words) in [("dora", "dora's own words"), ("emil", "emil's own words")] {
        node.ask(&["node", "unlock", "--holder", holder], words).unwrap();
    }
    node.ask(&["account", "add", "ann@ie.example"], PASSWORD).unwrap();
    let [(ann, first), (ben, second)] = OFFICER_PASSPHRASES;
    let drill = ["officer", "drill", "--by", ann, "--by", ben];
    node.ask(&drill, &format!("{first}\n{second}\n")).unwrap();
    node.ask(&["officer", "passphrase", ann], &format!("{first}\nanother one of ann's\n")).unwrap();
    let login = format!("a LOGIN ann@ie.example \"{PASSWORD}\"");
    assert!(lines(node.door("imap"), &[&login, "a LOGOUT"])[1].starts_with("a OK"));
    // A search that works: this one is there.
    assert_ne!(found_in(node.process(), b"mail.ie.example"), Some(0));
    gone_from(
        &node,
        &[
            ("a key holder's passphrase", "dora's own words"),
            ("another key holder's passphrase", "emil's own words"),
            ("an officer's passphrase", first),
            ("another officer's passphrase", second),
            ("an officer's new passphrase", "another one of ann's"),
            ("an owner's password", PASSWORD),
        ],
    );
}

const SUBJECT: &str = "a subject that nobody else has used";
const TEXT: &str = "and a text that stands nowhere else";

/// The text of mail is in no process two seconds after it was delivered, nor two seconds after the session that read it has ended.
#[test]
fn mail_that_nobody_reads_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let open = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    std::fs::write(dir.join("node.toml"), open).unwrap();
    let node = Single::run(&dir);
    node.ask(&["account", "add", "ann@ie.example"], PASSWORD).unwrap();
    let needles = [("the subject of mail", SUBJECT), ("the text of mail", TEXT)];
    for _ in 0..3 {
        let message = format!("From: x@x.example\r\nSubject: {SUBJECT}\r\n\r\n{TEXT}\r\n.");
        let says = ["LHLO x.example", "MAIL FROM:<x@x.example>", "RCPT TO:<ann@ie.example>", "DATA", &message];
        assert!(lines(node.door("lmtp"), &says)[5].starts_with("250 "));
    }
    gone_from(&node, &needles);
    let login = format!("a LOGIN ann@ie.example \"{PASSWORD}\"");
    let search = format!("a SEARCH TEXT \"{}\"", &TEXT[..20]);
    let says = [&login, "a SELECT INBOX", "a FETCH 1:* (ENVELOPE BODY.PEEK[])", &search, "a LOGOUT"];
    assert!(lines(node.door("imap"), &says).iter().skip(1).all(|said| said.starts_with("a OK")));
    gone_from(&node, &needles);
}
