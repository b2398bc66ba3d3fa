//! Runs the real program for the tests: a demo on free ports, and its command line.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use terms::Clock;

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

/// A base such that the fifteen ports of a demo are free, and no other test is given them until this test's thread ends.
pub(crate) fn free_ports() -> u16 {
    thread_local! {
        /// What listens on the bases this thread was given: no door uses the base itself, so it can mark the block as taken.
        static TAKEN: RefCell<Vec<TcpListener>> = const { RefCell::new(Vec::new()) };
    }
    // Blocks of 300 below the range that Linux hands out by itself, without the demo's default of 25000.
    const BLOCKS: u32 = 72;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let listen = |port: u16| TcpListener::bind(("127.0.0.1", port));
    for _ in 0..100 * BLOCKS {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id()) % BLOCKS;
        let block = u16::try_from(turn).unwrap();
        let base = if block < 49 { 10_000 + 300 * block } else { 25_500 + 300 * (block - 49) };
        let Ok(mark) = listen(base) else { continue };
        let free = |port: u16| listen(port).is_ok();
        if [0u16, 100, 200].iter().all(|node| [24, 25, 43, 80, 93].iter().all(|door| free(base + node + door))) {
            TAKEN.with(|taken| taken.borrow_mut().push(mark));
            return base;
        }
    }
    panic!("no ports are free")
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
    run_in(&[], args, input)
}

/// The same, with more in its environment.
pub(crate) fn run_in(environment: &[(&str, &Path)], args: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(args)
        .envs(environment.iter().copied())
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
/// a client that waits without end must not make the tests wait without end.
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

/// One node by itself; dropping it stops it.
pub(crate) struct Single {
    child: Child,
    /// Its data directory.
    pub dir: PathBuf,
    /// What it said when it was ready.
    pub info: Value,
}

/// The passphrases of the officers that [`Single::init`] makes.
pub(crate) const OFFICER_PASSPHRASES: [(&str, &str); 2] =
    [("ann", "ann's own passphrase"), ("ben", "ben's own passphrase")];

impl Single {
    /// Makes a node in `dir`, with officers and whatever `more` arguments say; `input` is typed after their passphrases.
    pub(crate) fn init(dir: &Path, more: &[&str], input: &str) {
        Self::init_in(&[], dir, more, input);
    }

    /// The same, with more in its environment; what it printed.
    pub(crate) fn init_in(environment: &[(&str, &Path)], dir: &Path, more: &[&str], input: &str) -> String {
        let ports = free_ports().to_string();
        let mut args =
            vec!["node", "init", "--jurisdiction", "IE", "--zone", "Europe/Dublin", "--operator", "Example Ltd"];
        args.extend(["--hostname", "mail.ie.example", "--domain", "ie.example", "--ports", &ports]);
        args.extend(["--officer", "ann", "--officer", "ben", "--node", dir.to_str().unwrap()]);
        args.extend(more);
        let officers: String = OFFICER_PASSPHRASES.iter().map(|(_, passphrase)| format!("{passphrase}\n")).collect();
        let made = run_in(environment, &args, &(officers + input));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap()
    }

    /// Runs the node in `dir`.
    pub(crate) fn run(dir: &Path) -> Self {
        Self::run_in(&[], dir)
    }

    /// The same, with more in its environment.
    pub(crate) fn run_in(environment: &[(&str, &Path)], dir: &Path) -> Self {
        let log = File::options().create(true).append(true).open(dir.join("node.log")).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["node", "run", "--with-parent", "--json", "--node", dir.to_str().unwrap()])
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = || std::fs::read_to_string(dir.join("node.log")).unwrap();
        assert!(!line.is_empty(), "the node did not start: {}", said());
        Self { child, dir: dir.to_owned(), info: serde_json::from_str(&line).unwrap() }
    }

    /// Runs the command line at the node with `--json`; the answer or the error text.
    pub(crate) fn ask(&self, args: &[&str], input: &str) -> Result<Value, String> {
        let mut all = args.to_vec();
        all.extend(["--json", "--node", self.dir.to_str().unwrap()]);
        let output = run(&all, input);
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The main process, which is the parent of the others.
    pub(crate) fn parent(&self) -> u32 {
        self.child.id()
    }

    /// The node's own process.
    pub(crate) fn process(&self) -> u32 {
        self.ask(&["node", "status"], "").unwrap()["process"].as_u64().unwrap().try_into().unwrap()
    }

    /// The vault's process.
    pub(crate) fn vault_process(&self) -> u32 {
        self.ask(&["node", "status"], "").unwrap()["vault_process"].as_u64().unwrap().try_into().unwrap()
    }

    /// Where a door listens.
    pub(crate) fn door(&self, name: &str) -> &str {
        self.info[name].as_str().unwrap()
    }

    /// What the node has written to its log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("node.log")).unwrap()
    }

    /// Kills the node as a power cut would, without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        // The end of its standard input is what stops it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Talks to a door line by line: says each line and returns the last line of each answer, the greeting first.
pub(crate) fn lines(address: &str, says: &[&str]) -> Vec<String> {
    let stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut answer = |tag: Option<&str>| loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the door hung up");
        let last = match tag {
            // SMTP: a reply's last line has a space after the code.
            None => line.as_bytes().get(3) == Some(&b' '),
            Some(tag) => line.starts_with(tag),
        };
        if last {
            return line.trim_end().to_owned();
        }
    };
    let imap = says.iter().any(|line| line.starts_with("a "));
    let mut answers = vec![answer(imap.then_some("*"))];
    for line in says {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        answers.push(answer(imap.then_some("a ")));
    }
    answers
}

/// Waits until `done` says so, for a minute at most.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let ends = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < ends, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The day so many days from now. What is asked for of mail that arrives during a test, and what a demand says of days to come,
/// is counted from the clock, so that the test holds in any year.
pub(crate) fn day_from_now(days: i64) -> toml::Value {
    let at = durable::SystemClock.now().plus_millis(days * 24 * 60 * 60 * 1000);
    toml::Value::Datetime(at.rfc3339()[..10].parse().unwrap())
}

/// Writes an order of an Irish court for the content of a year before and a year after today of `address` to `path`, to be
/// answered to the age key `recipient`. Orders of one reference are the same demand.
pub(crate) fn write_order(path: &Path, reference: &str, address: &str, recipient: &str) {
    let text = std::fs::read_to_string(root().join("law/examples/ie-s75-order.toml")).unwrap();
    let mut demand: toml::Table = text.parse().unwrap();
    demand.insert("reference".into(), reference.into());
    demand.insert("accounts".into(), vec![address].into());
    let asks = demand["asks"].as_table_mut().unwrap();
    asks.insert("from".into(), day_from_now(-365));
    asks.insert("until".into(), day_from_now(365));
    demand["facts"].as_table_mut().unwrap().insert("stated_answer_by".into(), day_from_now(28));
    demand["delivery"].as_table_mut().unwrap().insert("age_recipient".into(), recipient.into());
    std::fs::write(path, toml::to_string(&demand).unwrap()).unwrap();
}
