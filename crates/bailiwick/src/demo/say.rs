//! What the demo says when it is ready.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use operations::config::jurisdiction_name;
use serde::Serialize;

use super::error::DemoError;
use super::places::listen;
use super::processes::Nodes;
use super::state::{AccountState, DemoState, OfficerState, STATE_FILE};
use crate::parent::Ready;

/// Says what runs, for a person or for a script.
pub(super) fn say(json: bool, dir: &Path, state: &DemoState, nodes: &Nodes, took: Duration) -> Result<(), DemoError> {
    let text = if json { for_scripts(dir, state, nodes)? } else { for_people(dir, state, took) };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(DemoError::Output)
}

/// What the demo says to a script.
#[derive(Serialize)]
struct DemoReady<'d> {
    nodes: Vec<NodeReady<'d>>,
}

/// A node of it.
#[derive(Serialize)]
struct NodeReady<'d> {
    #[serde(flatten)]
    ready: Option<&'d Ready>,
    /// Its data directory.
    data: PathBuf,
    accounts: &'d [AccountState],
    officers: &'d [OfficerState],
}

fn for_scripts(dir: &Path, state: &DemoState, nodes: &Nodes) -> Result<String, DemoError> {
    let nodes = state.nodes.iter().zip(&nodes.0).map(|(node, running)| NodeReady {
        ready: running.ready.as_ref(),
        data: dir.join(node.jurisdiction.as_str()),
        accounts: &node.accounts,
        officers: &node.officers,
    });
    let ready = DemoReady { nodes: nodes.collect() };
    serde_json::to_string(&ready).map_err(|error| DemoError::Program(error.to_string()))
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
