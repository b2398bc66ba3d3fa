//! The vault's process of a running node: what it has given up, and what becomes of node and vault when one of them dies.

use std::path::Path;
use std::process::Command;

use crate::support::{Single, lines, wait_for};

pub(crate) fn status_line(process: u32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

pub(crate) fn is_there(process: u32) -> bool {
    Path::new(&format!("/proc/{process}/stat")).exists()
        && !std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default().contains(") Z ")
}

pub(crate) fn kill(process: u32) {
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}

#[test]
fn what_it_has_given_up() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    let vault = node.vault_process();
    assert_ne!(vault, node.process());
    assert_eq!(status_line(vault, "Seccomp"), "2", "a filter of system calls");
    assert_eq!(status_line(vault, "NoNewPrivs"), "1");
    assert_eq!(status_line(vault, "SigQ").split_once('/').map(|_| ()), Some(()), "a sanity check of the reader");
    let limits = std::fs::read_to_string(format!("/proc/{vault}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "no core: {core}");

    // No environment but the allocator's settings, no secret among the arguments, no file or socket but the pair (and /dev/null, the
    // log, and the figures of its own memory).
    let environment = std::fs::read_to_string(format!("/proc/{vault}/environ")).unwrap_or_default();
    for setting in environment.split_terminator('\0') {
        assert!(vault::ALLOCATOR.iter().any(|(name, value)| setting == format!("{name}={value}")), "{setting}");
    }
    let words = std::fs::read_to_string(format!("/proc/{vault}/cmdline")).unwrap();
    let folder = dir.join("vault");
    assert_eq!(words.split_terminator('\0').skip(1).collect::<Vec<_>>(), ["vault-process", folder.to_str().unwrap()]);
    let mut sockets = 0;
    for entry in std::fs::read_dir(format!("/proc/{vault}/fd")).unwrap() {
        let target = std::fs::read_link(entry.unwrap().path()).unwrap();
        let target = target.to_str().unwrap();
        sockets += usize::from(target.starts_with("socket:"));
        let known = ["socket:", "/dev/null"].iter().any(|known| target.starts_with(known))
            || target.ends_with("node.log")
            || target == format!("/proc/{vault}/smaps_rollup");
        assert!(known, "{target}");
    }
    assert!(sockets > 0);

    // What the kernel cannot do is said in the status and in the log.
    let lacks = node.ask(&["node", "status"], "").unwrap()["vault_lacks"].as_array().unwrap().len();
    assert_eq!(node.log().matches("the vault's process: ").count(), lacks, "{}", node.log());
}

/// At rest, and locked in memory or not: what is reserved and holds nothing takes no memory. And when memory is short, the kernel ends
/// the node's process first.
#[test]
fn it_takes_little_memory_and_is_spared() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    let vault = node.vault_process();
    let status = node.ask(&["node", "status"], "").unwrap();
    for (whose, process, most) in [("vault_memory", vault, 40 << 20), ("memory", node.process(), 60 << 20)] {
        let told = status[whose]["resident_bytes"].as_u64().unwrap();
        let resident = status_line(process, "VmRSS");
        let kernel = resident.trim_end_matches(" kB").parse::<u64>().unwrap() * 1024;
        assert!(told.abs_diff(kernel) < 8 << 20, "{whose}: {told} is not what the kernel says, {kernel}");
        assert!(told <= most, "{whose}: {told}");
    }
    let score = |process: u32| -> i32 {
        std::fs::read_to_string(format!("/proc/{process}/oom_score_adj")).unwrap().trim().parse().unwrap()
    };
    assert_eq!(score(node.process()), score(vault) + vault::NODE_OOM_SCORE_ADJ);
}

#[test]
fn it_ends_with_its_node() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    let vault = node.vault_process();
    node.kill();
    wait_for("the end of the vault", || !is_there(vault));

    let node = Single::run(&dir);
    let vault = node.vault_process();
    drop(node);
    assert!(!is_there(vault), "a node that stops waits for its vault");
}

/// When it dies, the node says "try again" until another one answers, which needs nobody.
#[test]
fn the_node_starts_it_again() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    node.ask(&["account", "add", "ann@ie.example"], "correct horse battery").unwrap();
    let rcpt = ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<ann@ie.example>"];
    assert!(lines(node.door("smtp"), &rcpt)[3].starts_with("250 "));
    for _ in 0..2 {
        let vault = node.vault_process();
        kill(vault);
        wait_for("another vault", || {
            let said = lines(node.door("smtp"), &rcpt)[3].clone();
            // Never "no such mailbox": nobody knows that now.
            assert!(said.starts_with("250 ") || said.starts_with("451 4.3.0 "), "{said}");
            // While the old one is dying, the node knows an address still.
            said.starts_with("250 ") && node.vault_process() != vault
        });
    }
    assert!(node.log().contains("died and was restarted"));
    // The address is known, and so is the owner.
    let target = scratch.path().join("out");
    let exported = ["export", "--account", "ann@ie.example", target.to_str().unwrap()];
    node.ask(&exported, "correct horse battery").unwrap();
}

/// A node that waits for two people listens, takes mail for nobody, says so at every door, and is ready without a restart.
#[test]
fn a_locked_node_says_so_until_two_people_unlock_it() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    let holders = ["--key-holder", "dora", "--key-holder", "emil", "--key-holder", "fred"];
    Single::init(&dir, &holders, "dora's own words\nemil's own words\nfred's own words\n");
    assert!(!dir.join("secrets/passphrase").exists(), "nothing on the disk unlocks it");
    let node = Single::run(&dir);
    let rcpt = ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<ann@ie.example>"];
    let lhlo = ["LHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<ann@ie.example>", "RCPT TO:<postmaster>"];
    let locked = "451 4.3.0 Mailbox store unavailable (locked)";
    assert!(lines(node.door("smtp"), &rcpt)[3].starts_with(locked));
    let said = lines(node.door("lmtp"), &lhlo);
    assert!(said[3].starts_with(locked) && said[4].starts_with(locked), "{said:?}");
    let page = |node: &Single| {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(node.door("http")).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(page(&node).contains("This node is locked."));
    assert_eq!(node.ask(&["node", "status"], "").unwrap()["vault"], "locked");
    assert!(node.ask(&["account", "add", "ann@ie.example"], "correct horse battery").unwrap_err().contains("locked"));
    let signing_in = Command::new("python3").args(["-c", SIGN_IN, node.door("imaps")]).output().unwrap();
    assert!(String::from_utf8_lossy(&signing_in.stdout).contains("UNAVAILABLE"), "{signing_in:?}");

    let unlock = |holder: &str, words: &str| node.ask(&["node", "unlock", "--holder", holder], words);
    assert!(unlock("dora", "emil's own words").unwrap_err().contains("wrong passphrase"));
    assert_eq!(unlock("dora", "dora's own words").unwrap()["vault"], "locked");
    assert_eq!(unlock("dora", "dora's own words").unwrap()["vault"], "locked", "one person is one");
    assert_eq!(unlock("fred", "fred's own words").unwrap()["vault"], "unlocked");
    assert_eq!(node.ask(&["node", "status"], "").unwrap()["vault"], "unlocked");
    assert!(!page(&node).contains("This node is locked."));
    node.ask(&["account", "add", "ann@ie.example"], "correct horse battery").unwrap();
    assert!(lines(node.door("smtp"), &rcpt)[3].starts_with("250 "));

    // When the vault dies, it is started again and waits for two people once more.
    kill(node.vault_process());
    wait_for("a locked node", || node.ask(&["node", "status"], "").unwrap()["vault"] == "locked");
    assert!(lines(node.door("smtp"), &rcpt)[3].starts_with(locked));
    wait_for("the first part", || unlock("emil", "emil's own words").is_ok());
    assert_eq!(unlock("dora", "dora's own words").unwrap()["vault"], "unlocked");
    assert!(lines(node.door("smtp"), &rcpt)[3].starts_with("250 "));
}

/// Signs in at an IMAP door over TLS and prints what the server says.
const SIGN_IN: &str = r#"
import imaplib, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
context = ssl._create_unverified_context()
imap = imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=60)
try:
    print(imap.login("ann@ie.example", "correct horse battery"))
except imaplib.IMAP4.error as error:
    print(error)
"#;
