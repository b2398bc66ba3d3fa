//! `demo`: three nodes on loopback, each a process of its own with its own directory, vault and ledger.
//!
//! The parent makes what is missing, starts the three, says how to reach them, and ends them. It holds their standard
//! input: when the parent dies, however it dies, the nodes see the end of it and stop by themselves.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use durable::{DirLock, Disk, RealDisk, Visibility};
use serde::{Deserialize, Serialize};
use terms::{Address, HOME_FORMAT, Jurisdiction, OfficerName, Secret};

use crate::cli::DemoArgs;
use crate::config::{Config, Listen, MailboxesConfig, StoreConfig, VaultConfig, jurisdiction_name};
use crate::node::{Founding, Node, random_passphrase};

/// The first port unless `--ports` says otherwise: below the range that Linux hands out by itself (32768 and up).
const PORTS_BASE: u16 = 25_000;
/// Between one node's ports and the next one's.
const PORTS_STEP: u16 = 100;
/// How long a node may take to open its doors; a cold disk and a busy machine are slow, a minute is a fault.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a node may take to close them.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// What each node of the demo is made of: its place, its domain, its people, and what its operator declares.
struct Place {
    jurisdiction: &'static str,
    domain: &'static str,
    owners: &'static [&'static str],
    officers: &'static [&'static str],
    home: &'static str,
}

const PLACES: [Place; 3] = [
    Place {
        jurisdiction: "IE",
        domain: "ie.example",
        owners: &["aoife", "brendan"],
        officers: &["niamh", "oisin", "sorcha"],
        home: include_str!("../demo/home-ie.toml"),
    },
    Place {
        jurisdiction: "US",
        domain: "us.example",
        owners: &["john"],
        officers: &["alice", "bob"],
        home: include_str!("../demo/home-us.toml"),
    },
    Place {
        jurisdiction: "DE",
        domain: "de.example",
        owners: &["greta"],
        officers: &["jutta", "klaus"],
        home: include_str!("../demo/home-de.toml"),
    },
];

/// The sample mail that every demo account starts with.
static SAMPLE_MAIL: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/demo/mail");

/// `demo.json` in the demo's folder: what makes the folder ours, and the secrets that a demo may write down. It is written
/// before anything else, without nodes: a first start that was broken off is known by it.
#[derive(Serialize, Deserialize)]
struct DemoState {
    format: u32,
    ports: u16,
    nodes: Vec<NodeState>,
}

#[derive(Serialize, Deserialize)]
struct NodeState {
    jurisdiction: Jurisdiction,
    accounts: Vec<AccountState>,
    officers: Vec<OfficerState>,
}

#[derive(Serialize, Deserialize)]
struct AccountState {
    address: Address,
    password: String,
}

#[derive(Serialize, Deserialize)]
struct OfficerState {
    name: OfficerName,
    passphrase: String,
}

const STATE_FILE: &str = "demo.json";

/// Runs the demo until Ctrl-C, SIGTERM, or the end of one of its nodes.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, String> {
    let started = Instant::now();
    let (dir, lock) = claim(&args.dir)?;
    let mut state = if args.fresh && dir.join(STATE_FILE).exists() {
        clear(&dir)?;
        None
    } else {
        load(&dir)?
    };
    let base = args.ports.or(state.as_ref().map(|state| state.ports)).unwrap_or(PORTS_BASE);
    check_ports(base)?;
    let state = match &mut state {
        Some(state) => {
            if state.ports != base {
                state.ports = base;
                move_ports(&dir, state)?;
            }
            state
        }
        None => state.insert(found(&dir, base)?),
    };
    // The runtime comes before the nodes: from here on Ctrl-C is ours to handle.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let mut nodes = Nodes(Vec::new());
    for node in &state.nodes {
        nodes.0.push(Running::start(&dir, &node.jurisdiction)?);
    }
    let deadline = Instant::now() + READY_WITHIN;
    for node in &mut nodes.0 {
        node.wait_until_ready(deadline)?;
    }
    say(args, &dir, state, &nodes, started.elapsed())?;
    let ended = runtime.block_on(wait_for_the_end(&mut nodes));
    let stopped = nodes.stop();
    drop(lock);
    match ended {
        Some(jurisdiction) => Err(format!(
            "the node {jurisdiction} ended by itself; its log is {}",
            log_path(&dir.join(&jurisdiction)).display()
        )),
        None => stopped.map(|()| ExitCode::SUCCESS),
    }
}

/// Makes or takes the demo's folder: empty, absent, or one that a demo made.
fn claim(dir: &Path) -> Result<(PathBuf, DirLock), String> {
    let name = dir.display();
    if dir.exists() && !dir.is_dir() {
        return Err(format!("{name} is a file; name a folder with --dir"));
    }
    // The lock alone is what a demo leaves that was stopped before it had claimed the folder.
    let foreign = !dir.join(STATE_FILE).exists()
        && dir.read_dir().is_ok_and(|mut entries| entries.any(|it| it.is_ok_and(|it| it.file_name() != "lock")));
    if foreign {
        return Err(format!(
            "{name} has files in it that are not a demo's ({STATE_FILE} is missing); choose an empty folder with --dir"
        ));
    }
    RealDisk.create_dir_all(dir).map_err(|error| format!("{name}: {error}"))?;
    let dir = std::fs::canonicalize(dir).map_err(|error| format!("{name}: {error}"))?;
    let lock = DirLock::take(&dir).map_err(|error| format!("another demo runs in this folder: {error}"))?;
    Ok((dir, lock))
}

/// Removes what a demo made, and nothing else; the folder's claim stays. Only for a folder that is claimed.
fn clear(dir: &Path) -> Result<(), String> {
    for place in PLACES {
        let node = dir.join(place.jurisdiction);
        if node.exists() {
            std::fs::remove_dir_all(&node).map_err(|error| format!("{}: {error}", node.display()))?;
        }
    }
    Ok(())
}

fn load(dir: &Path) -> Result<Option<DemoState>, String> {
    let path = dir.join(STATE_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let hint = "--fresh begins anew";
    let state: DemoState =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}; {hint}", path.display()))?;
    if state.format != HOME_FORMAT {
        return Err(format!("{} is of another version of this program; {hint}", path.display()));
    }
    if state.nodes.is_empty() {
        // A first start that was broken off: nobody has been told the passwords of what it made.
        clear(dir)?;
        return Ok(None);
    }
    Ok(Some(state))
}

fn save(dir: &Path, state: &DemoState) -> Result<(), String> {
    let path = dir.join(STATE_FILE);
    let text = serde_json::to_vec_pretty(state).map_err(|error| error.to_string())?;
    RealDisk.write_atomic(&path, &text, Visibility::Private).map_err(|error| format!("{}: {error}", path.display()))
}

/// The addresses of the node at `place`, counted in [`PLACES`].
fn listen(base: u16, place: usize) -> Listen {
    let step = PORTS_STEP.saturating_mul(u16::try_from(place).unwrap_or(u16::MAX));
    Listen::at(IpAddr::V4(Ipv4Addr::LOCALHOST), base.saturating_add(step))
}

/// Finds out before anything is started whether a port is taken, so that the error names all of it.
fn check_ports(base: u16) -> Result<(), String> {
    let taken: Vec<String> = (0..PLACES.len())
        .flat_map(|place| listen(base, place).all())
        .filter(|(_, address)| {
            TcpListener::bind(address).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        })
        .map(|(door, address)| format!("{address} ({door})"))
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(format!(
        "in use by another program: {}; stop it, or choose other ports with --ports BASE (now {base})",
        taken.join(", ")
    ))
}

fn move_ports(dir: &Path, state: &DemoState) -> Result<(), String> {
    for (place, node) in state.nodes.iter().enumerate() {
        let node_dir = dir.join(node.jurisdiction.as_str());
        Config::change(&RealDisk, &node_dir, |config| config.listen = listen(state.ports, place))
            .map_err(|error| error.to_string())?;
    }
    save(dir, state)
}

/// Makes the three nodes, at the same time, with their people and the sample mail.
fn found(dir: &Path, base: u16) -> Result<DemoState, String> {
    save(dir, &DemoState { format: HOME_FORMAT, ports: base, nodes: Vec::new() })?;
    let made: Vec<Result<NodeState, String>> = std::thread::scope(|scope| {
        let makers: Vec<_> = PLACES
            .iter()
            .enumerate()
            .map(|(index, place)| scope.spawn(move || found_one(dir, place, listen(base, index))))
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap_or_else(|_| Err("making a node failed; see above".to_owned())))
            .collect()
    });
    let nodes = made.into_iter().collect::<Result<_, _>>()?;
    let state = DemoState { format: HOME_FORMAT, ports: base, nodes };
    save(dir, &state)?;
    Ok(state)
}

fn found_one(dir: &Path, place: &Place, listen: Listen) -> Result<NodeState, String> {
    let dir = dir.join(place.jurisdiction);
    let jurisdiction: Jurisdiction = place.jurisdiction.parse().map_err(|error| format!("{error}"))?;
    let config = Config {
        format: HOME_FORMAT,
        jurisdiction: jurisdiction.clone(),
        name: format!("Bailiwick demo, {}", jurisdiction_name(&jurisdiction)),
        hostname: format!("mail.{}", place.domain),
        domains: vec![place.domain.to_owned()],
        message_size_bytes_max: doors::smtp::MESSAGE_SIZE_BYTES_MAX,
        ledger_dummy_minutes: 60,
        reset_delay_hours: 24,
        http_behind_tls_proxy: false,
        counsel: None,
        backup_place: Vec::new(),
        mailboxes: MailboxesConfig::default(),
        store: StoreConfig::default(),
        vault: VaultConfig::default(),
        connections_max: doors::CONNECTIONS_MAX,
        imap_loopback_without_tls: false,
        listen,
        home: toml::from_str(place.home).map_err(|error| error.to_string())?,
    };
    let entropy = vault::SystemEntropy;
    let mut officers = Vec::new();
    for name in place.officers {
        let name: OfficerName = name.parse().map_err(|error| format!("{error}"))?;
        officers.push(OfficerState { name, passphrase: random_passphrase(&entropy) });
    }
    let founding = Founding {
        config,
        passphrase: Secret::new(random_passphrase(&entropy)),
        officers: officers.iter().map(|o| (o.name.clone(), Secret::new(o.passphrase.clone()))).collect(),
        key_holders: Vec::new(),
        token: None,
    };
    let node = Node::found(&dir, founding).map_err(|error| error.to_string())?;
    let mut accounts = Vec::new();
    for owner in place.owners {
        let address = format!("{owner}@{}", place.domain);
        let password = random_passphrase(&entropy);
        let (account, _) = node.add_account(&address, vault::Custody::Strict, &Secret::new(password.clone()))?;
        let mailbox = node.mailroom.store.mailbox_named(account, "INBOX").map_err(|error| error.to_string())?.id;
        let sample = SAMPLE_MAIL
            .files()
            .map(|file| node.mailroom.incoming_import(account, mailbox, crlf(file.contents())))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        node.mailroom.store.append(sample).map_err(|error| error.to_string())?;
        let address = address.parse().map_err(|error| format!("{error}"))?;
        accounts.push(AccountState { address, password });
    }
    Ok(NodeState { jurisdiction, accounts, officers })
}

/// The sample files are text in the source tree; mail on the wire has CR LF.
fn crlf(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn log_path(node_dir: &Path) -> PathBuf {
    node_dir.join("run").join("node.log")
}

/// One node's process.
struct Running {
    jurisdiction: String,
    dir: PathBuf,
    child: Child,
    lines: mpsc::Receiver<String>,
    ready: serde_json::Value,
}

impl Running {
    fn start(demo: &Path, jurisdiction: &Jurisdiction) -> Result<Self, String> {
        let dir = demo.join(jurisdiction.as_str());
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(log_path(&dir))
            .map_err(|error| format!("{}: {error}", log_path(&dir).display()))?;
        let mut child = Command::new(program)
            .args(["node", "run", "--with-parent", "--json", "--dir"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("the node {jurisdiction} does not start: {error}"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Ok(Self { jurisdiction: jurisdiction.to_string(), dir, child, lines, ready: serde_json::Value::Null })
    }

    fn wait_until_ready(&mut self, deadline: Instant) -> Result<(), String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                self.ready = serde_json::from_str(&line).map_err(|error| error.to_string())?;
                Ok(())
            }
            Err(_) => {
                let log = std::fs::read_to_string(log_path(&self.dir)).unwrap_or_default();
                let mut last: VecDeque<&str> = log.lines().collect();
                while last.len() > 5 {
                    last.pop_front();
                }
                Err(format!(
                    "the node {} did not become ready. Its log ({}) ends with:\n{}",
                    self.jurisdiction,
                    log_path(&self.dir).display(),
                    last.make_contiguous().join("\n")
                ))
            }
        }
    }
}

/// The three processes; dropping them ends them.
struct Nodes(Vec<Running>);

impl Nodes {
    /// Asks every node to stop, waits, and ends by force what does not.
    fn stop(&mut self) -> Result<(), String> {
        for node in &mut self.0 {
            // The end of its standard input is the word to stop.
            drop(node.child.stdin.take());
        }
        let deadline = Instant::now() + STOP_WITHIN;
        let mut forced = Vec::new();
        for node in &mut self.0 {
            loop {
                match node.child.try_wait() {
                    Ok(Some(_)) | Err(_) => break,
                    Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
                    Ok(None) => {
                        forced.push(node.jurisdiction.clone());
                        let _ = node.child.kill();
                        let _ = node.child.wait();
                        break;
                    }
                }
            }
        }
        if forced.is_empty() {
            Ok(())
        } else {
            Err(format!("ended by force, since they did not stop in time: {}", forced.join(", ")))
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Waits for Ctrl-C or SIGTERM (`None`) or for a node that ends by itself (its jurisdiction).
async fn wait_for_the_end(nodes: &mut Nodes) -> Option<String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    };
    let dead = async {
        loop {
            for node in &mut nodes.0 {
                if !matches!(node.child.try_wait(), Ok(None)) {
                    return node.jurisdiction.clone();
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => None,
        () = terminated => None,
        jurisdiction = dead => Some(jurisdiction),
    }
}

/// Says what runs, for a person or for a script.
fn say(args: &DemoArgs, dir: &Path, state: &DemoState, nodes: &Nodes, took: Duration) -> Result<(), String> {
    let text = if args.json { for_scripts(dir, state, nodes) } else { for_people(dir, state, took) };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string())
}

fn for_scripts(dir: &Path, state: &DemoState, nodes: &Nodes) -> String {
    let described: Vec<serde_json::Value> = state
        .nodes
        .iter()
        .zip(&nodes.0)
        .map(|(node, running)| {
            let mut line = running.ready.clone();
            line["data"] = serde_json::json!(dir.join(node.jurisdiction.as_str()));
            line["accounts"] = serde_json::json!(node.accounts);
            line["officers"] = serde_json::json!(node.officers);
            line
        })
        .collect();
    serde_json::json!({ "nodes": described }).to_string()
}

fn for_people(dir: &Path, state: &DemoState, took: Duration) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Three nodes are ready after {:.1} s. Each keeps its mail, keys and ledger in {}/<place>.\n",
        took.as_secs_f32(),
        dir.display()
    );
    for (place, node) in state.nodes.iter().enumerate() {
        let ports = listen(state.ports, place);
        let _ = writeln!(
            out,
            "{}  {}\n    smtp {}  lmtp {}  imap {}  imaps {}\n    page http://{}/",
            node.jurisdiction,
            jurisdiction_name(&node.jurisdiction),
            ports.smtp,
            ports.lmtp,
            ports.imap,
            ports.imaps,
            ports.http
        );
        for account in &node.accounts {
            let _ = writeln!(out, "    account {:<20} password   {}", account.address.to_string(), account.password);
        }
        for officer in &node.officers {
            let _ = writeln!(out, "    officer {:<20} passphrase {}", officer.name.as_str(), officer.passphrase);
        }
        out.push('\n');
    }
    if let Some(account) = state.nodes.first().and_then(|node| node.accounts.first()) {
        let ports = listen(state.ports, 0);
        let node = dir.join("IE");
        let _ = write!(
            out,
            "Try, in another terminal:\n\
             \x20 curl --url smtp://{smtp} --mail-from you@example.org --mail-rcpt {address} --crlf -T README.md\n\
             \x20 curl --cacert {ca} --user {address}:{password} 'imaps://localhost:{imaps}/INBOX;UID=1'\n\
             \x20 bailiwick law decide --node {node} --on 2014-08-01 law/examples/us-warrant.toml\n\
             \x20 bailiwick demand serve --node {node} law/examples/us-warrant.toml\n\
             \x20 bailiwick demand serve --node {node} law/examples/ie-s75-order.toml\n\
             (bailiwick is {program})\n\n\
             The passwords above are a demo's; they are kept in {state}. Ctrl-C stops everything.",
            smtp = ports.smtp,
            address = account.address,
            password = account.password,
            ca = node.join("tls").join("ca.pem").display(),
            imaps = ports.imaps.port(),
            node = node.display(),
            program = std::env::current_exe().unwrap_or_default().display(),
            state = dir.join(STATE_FILE).display(),
        );
    }
    out
}
