//! Runs the real program for the tests: a demo on free ports, and its command line.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_bailiwick");

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The corpus beside the checkout, where there is one.
pub(crate) fn corpus() -> Option<PathBuf> {
    let path = root().join("../shared/corpus");
    path.is_dir().then_some(path)
}

/// A base such that the fifteen ports of a demo are free.
pub(crate) fn free_ports() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    // Tests of one process take turns; processes differ by their id.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let spread = u16::try_from(std::process::id() % 30).unwrap();
        // Below the default of the demo itself, 25000, and of the range that Linux hands out by itself.
        let base = 12_000 + (spread * 300 + turn * 300) % 12_000;
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if [0u16, 100, 200].iter().all(|node| [24, 25, 43, 80, 93].iter().all(|door| free(base + node + door))) {
            return base;
        }
    }
}

/// A running demo; dropping it stops it.
pub(crate) struct Demo {
    child: Child,
    pub dir: PathBuf,
    pub info: Value,
}

impl Demo {
    /// Starts a demo in `dir` and waits for its line of JSON.
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Self {
        let base = free_ports().to_string();
        let mut child = Command::new(PROGRAM)
            .args(["demo", "--json", "--ports", &base, "--dir"])
            .arg(dir)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut error = String::new();
            child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
            panic!("the demo did not start: {error}");
        }
        Self { child, dir: dir.to_owned(), info: serde_json::from_str(&line).unwrap() }
    }

    /// What the demo said of the node of this jurisdiction.
    pub(crate) fn node(&self, jurisdiction: &str) -> &Value {
        self.info["nodes"].as_array().unwrap().iter().find(|node| node["jurisdiction"] == jurisdiction).unwrap()
    }

    /// The node's data directory.
    pub(crate) fn data(&self, jurisdiction: &str) -> PathBuf {
        PathBuf::from(self.node(jurisdiction)["data"].as_str().unwrap())
    }

    /// An officer's passphrase.
    pub(crate) fn passphrase(&self, jurisdiction: &str, officer: &str) -> String {
        let officers = self.node(jurisdiction)["officers"].as_array().unwrap();
        officers.iter().find(|o| o["name"] == officer).unwrap()["passphrase"].as_str().unwrap().to_owned()
    }

    /// Runs the command line at a node with `--json`; the answer or the error text.
    pub(crate) fn ask(&self, jurisdiction: &str, args: &[&str], input: &str) -> Result<Value, String> {
        let data = self.data(jurisdiction);
        let mut all = args.to_vec();
        all.extend(["--json", "--node", data.to_str().unwrap()]);
        let output = run(&all, input);
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The same for a person: what is printed.
    pub(crate) fn print(&self, jurisdiction: &str, args: &[&str]) -> String {
        let data = self.data(jurisdiction);
        let mut all = args.to_vec();
        all.extend(["--node", data.to_str().unwrap()]);
        let output = run(&all, "");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends SIGINT, as Ctrl-C does, and waits.
    pub(crate) fn interrupt(mut self) -> std::process::ExitStatus {
        self.signal();
        self.child.wait().unwrap()
    }

    fn signal(&self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal();
            let _ = self.child.wait();
        }
    }
}

/// Runs the program with `input` on its standard input.
pub(crate) fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes it early; that is its right.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// How long a client may take: the slowest, mbsync on a busy machine, takes a few seconds.
const CLIENT_SECONDS_MAX: u64 = 120;

/// Runs somebody else's program to its end, with its folder `home` as its home and nothing on its standard input. One that
/// takes longer than [`CLIENT_SECONDS_MAX`] is ended with all that it started, and the test fails with what it had printed:
/// a client that waits for ever must not make the tests wait for ever.
pub(crate) fn client(command: &mut Command, home: &Path) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    // A file, not a pipe: what the client started and left behind could hold a pipe open.
    let printed = tempfile::tempfile().unwrap();
    let errors = tempfile::tempfile().unwrap();
    // The keyboard of a client that wants one: nobody types, and nobody hangs up.
    let mut child = command
        .env("HOME", home)
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(printed.try_clone().unwrap())
        .stderr(errors.try_clone().unwrap())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let keyboard = child.stdin.take();
    let ends = Instant::now() + Duration::from_secs(CLIENT_SECONDS_MAX);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > ends {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    drop(keyboard);
    let read = |mut file: File| {
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let (stdout, stderr) = (read(printed), read(errors));
    let Some(status) = status else {
        let text = [stdout, stderr].concat();
        panic!("{name} did not end in {CLIENT_SECONDS_MAX} s; it printed: {}", String::from_utf8_lossy(&text));
    };
    Output { status, stdout, stderr }
}

/// Every regular file below `dir`.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Whether a tool is there; when not, says which test goes without it. Where `BAILIWICK_TOOLS=required`, as in
/// `.ci/run`, a missing tool is a failure.
pub(crate) fn has_tool(tool: &str) -> bool {
    let there = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !there {
        assert!(std::env::var("BAILIWICK_TOOLS").as_deref() != Ok("required"), "{tool} is not installed");
        println!("skipped: {tool} is not installed");
    }
    there
}
