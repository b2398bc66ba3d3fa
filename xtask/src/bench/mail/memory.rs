//! `cargo xtask bench memory`: what a node's processes and the demo take of the machine's memory, as they tell it themselves and as
//! the kernel counts it: at rest, after a load, and a minute after that.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use super::client::{Imap, Lmtp};
use super::service::{Kind, PASSWORD, Service, run as run_command};
use super::{built, clear};
use crate::tree::root;

/// For the list of benchmarks.
pub(crate) const ABOUT: &str = "memory of a node's processes and of the demo: at rest, after a load, a minute later";

const HELP: &str = "cargo xtask bench memory [OPTIONS]

  --messages N     small messages of the load (2000)
  --large N        messages of 30 MB of the load, each read by three owners' sessions (4)
  --wait SECONDS   how long after the load the last figures are taken (60)
  --binary PATH    a program that is built already
  --scratch DIR    where the nodes keep their mail (target/bench/memory); emptied before and after
";

/// Who gets the mail of the load.
const USER: &str = "user@bench.example";

/// Sessions that read at once.
const READERS: usize = 3;

struct Wish {
    messages: usize,
    large: usize,
    wait: Duration,
    binary: Option<PathBuf>,
    scratch: PathBuf,
}

/// `cargo xtask bench memory …`.
pub(crate) fn run(words: &[String]) -> ExitCode {
    if words.iter().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match wish(words).and_then(|wish| bench(&wish)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wish(words: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        messages: 2000,
        large: 4,
        wait: Duration::from_secs(60),
        binary: None,
        scratch: root().join("target/bench/memory"),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        let number = |text: &String| text.parse::<u32>().map_err(|_| format!("{word} wants a number"));
        match word.as_str() {
            "--messages" => wish.messages = number(value()?)? as usize,
            "--large" => wish.large = number(value()?)? as usize,
            "--wait" => wish.wait = Duration::from_secs(number(value()?)?.into()),
            "--binary" => wish.binary = Some(PathBuf::from(value()?)),
            "--scratch" => wish.scratch = PathBuf::from(value()?),
            _ => return Err(format!("`{word}` is not known\n\n{HELP}")),
        }
    }
    Ok(wish)
}

fn bench(wish: &Wish) -> Result<(), String> {
    let binary = match &wish.binary {
        Some(binary) => binary.clone(),
        None => built()?,
    };
    clear(&wish.scratch)?;
    println!(
        "{:<22} {:<9} {:>9} {:>7} {:>7} {:>7} {:>10} {:>8}",
        "MiB", "process", "resident", "share", "own", "locked", "kernel rss", "pss"
    );
    let outcome = node(wish, &binary).and_then(|()| demo(wish, &binary));
    clear(&wish.scratch)?;
    outcome
}

/// One node, with a load.
fn node(wish: &Wish, binary: &Path) -> Result<(), String> {
    let mut service = Service::found(Kind::Node, &wish.scratch, binary, &[USER.to_owned()])?;
    let dir = service.dir.join("node");
    service.stop()?;
    service.start(binary)?;
    service.settle();
    show("at rest", &dir, binary)?;
    load(wish, &service)?;
    show("after a load", &dir, binary)?;
    std::thread::sleep(wish.wait);
    show(&format!("{} s later", wish.wait.as_secs()), &dir, binary)?;
    service.stop()
}

/// Small messages, large ones, all read and searched by several sessions at once.
fn load(wish: &Wish, service: &Service) -> Result<(), String> {
    let mut lmtp = Lmtp::connect(service.lmtp())?;
    let small = message(10_000);
    for _ in 0..wish.messages {
        lmtp.deliver(USER, &small)?;
    }
    let large = message(30_000_000);
    for _ in 0..wish.large {
        lmtp.deliver(USER, &large)?;
    }
    drop(lmtp);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(service))).collect();
        readers.into_iter().try_for_each(|reader| reader.join().map_err(|_| "a reader panicked".to_owned())?)
    })
}

fn read(service: &Service) -> Result<(), String> {
    let mut imap = Imap::selected(service.imap(), USER, PASSWORD, "INBOX")?;
    for command in ["FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "FETCH 1:* BODY.PEEK[]", "SEARCH TEXT zebra"] {
        imap.ask(command)?;
    }
    imap.ask("LOGOUT").map(|_| ())
}

fn message(bytes: usize) -> Vec<u8> {
    let mut message = b"From: a@example.com\r\nSubject: bench\r\n\r\n".to_vec();
    while message.len() < bytes {
        message
            .extend_from_slice(b"a line of the usual length of lines in mail, which is what fills it to the end\r\n");
    }
    message
}

/// Three nodes and their parent, at rest.
fn demo(wish: &Wish, binary: &Path) -> Result<(), String> {
    // Beside the previous node, whose folder `clear` knows.
    let dir = wish.scratch.join(Kind::Node.name()).join("demo");
    let base = super::service::free_ports()?;
    let mut command = Command::new(binary);
    command.args(["demo", "--json", "--dir"]).arg(&dir).args(["--ports", &base.to_string()]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let mut demo = Demo(child);
    let mut ready = String::new();
    if let Some(stdout) = demo.0.stdout.take() {
        BufReader::new(stdout).read_line(&mut ready).map_err(|error| error.to_string())?;
    }
    std::thread::sleep(Duration::from_secs(5));
    let mut pss = kernel(demo.0.id()).1;
    for home in ["IE", "US", "DE"] {
        pss = pss.zip(show(&format!("demo, {home}"), &dir.join(home), binary)?).map(|(one, two)| one + two);
    }
    line("demo", "demo", &[None; 4], kernel(demo.0.id()));
    println!("{:<22} {:<9} {:>64}", "demo, all together", "", mib(pss));
    Ok(())
}

/// The demo's parent; ended when dropped.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Shows the processes of a node: its own, its vault's, and the parent of both; their PSS together, as the kernel counts it.
fn show(when: &str, dir: &Path, binary: &Path) -> Result<Option<u64>, String> {
    let mut status = Command::new(binary);
    status.args(["node", "status", "--json", "--node"]).arg(dir);
    let status = run_command(&mut status, "")?;
    let vault = number(&status, "", "vault_process").ok_or("the node does not say which process its vault is")?;
    let vault = u32::try_from(vault).map_err(|error| error.to_string())?;
    let node = number(&status, "", "process").and_then(|node| u32::try_from(node).ok());
    let node = node.ok_or("the node does not say which process is its own")?;
    let parent = parent(vault).ok_or("the vault's process is gone")?;
    let figures = kernel(parent);
    line(when, "parent", &[None; 4], figures);
    let mut pss = figures.1;
    for (name, section, process) in [("node", "\"memory\":{", node), ("vault", "\"vault_memory\":{", vault)] {
        let fields = ["resident_bytes", "share_bytes", "anonymous_bytes", "locked_bytes"];
        let figures = kernel(process);
        line(when, name, &fields.map(|field| number(&status, section, field)), figures);
        pss = pss.zip(figures.1).map(|(one, two)| one + two);
    }
    Ok(pss)
}

fn line(when: &str, process: &str, told: &[Option<u64>; 4], kernel: (Option<u64>, Option<u64>)) {
    let [resident, share, own, locked] = told.map(mib);
    println!(
        "{when:<22} {process:<9} {resident:>9} {share:>7} {own:>7} {locked:>7} {:>10} {:>8}",
        mib(kernel.0),
        mib(kernel.1)
    );
}

fn mib(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20)))
}

/// Resident bytes and PSS of a process as the kernel tells others; PSS only to root.
fn kernel(process: u32) -> (Option<u64>, Option<u64>) {
    let of = |file: &str, name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    };
    (of("status", "VmRSS:"), of("smaps_rollup", "Pss:"))
}

fn parent(process: u32) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// The first number of this name behind `section` in a line of JSON.
fn number(json: &str, section: &str, name: &str) -> Option<u64> {
    let rest = &json[json.find(section)?..];
    let name = format!("\"{name}\":");
    let rest = &rest[rest.find(&name)? + name.len()..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}
