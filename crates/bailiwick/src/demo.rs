//! `demo`: three nodes on loopback, each a process of its own with its own directory, vault and ledger.
//!
//! The parent makes what is missing, starts the three, says how to reach them, and ends them. It holds their standard
//! input: when the parent dies, however it dies, the nodes see the end of it and stop by themselves.

mod error;
mod places;
mod processes;
mod say;
mod state;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

pub(crate) use self::error::DemoError;
pub(crate) use self::state::nodes_near;

use self::places::{PORTS_BASE, check_ports, found, move_ports};
use self::processes::{Nodes, Running, log_path, wait_for_the_end};
use self::say::say;
use self::state::{STATE_FILE, claim, clear, load};

/// `demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The folder of the demo; created if missing, continued if it holds a demo
    #[arg(long, value_name = "DIR", default_value = "./demo-data")]
    pub dir: PathBuf,
    /// Delete the demo in the folder and start over
    #[arg(long)]
    pub fresh: bool,
    /// Print one line of JSON when ready, and nothing else
    #[arg(long)]
    pub json: bool,
    /// The first port: IE listens from BASE, US from BASE+100, DE from BASE+200
    #[arg(long, value_name = "BASE", value_parser = clap::value_parser!(u16).range(1..=65_200))]
    pub ports: Option<u16>,
}

/// How long a node may take to open its doors; a cold disk and a busy machine are slow, a minute is a fault.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Runs the demo until Ctrl-C, SIGTERM, or the end of one of its nodes.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, DemoError> {
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| DemoError::Program(error.to_string()))?;
    let mut nodes = Nodes(Vec::new());
    for node in &state.nodes {
        nodes.0.push(Running::start(&dir, &node.jurisdiction)?);
    }
    let deadline = Instant::now() + READY_WITHIN;
    for node in &mut nodes.0 {
        node.wait_until_ready(deadline)?;
    }
    say(args.json, &dir, state, &nodes, started.elapsed())?;
    let ended = runtime.block_on(wait_for_the_end(&mut nodes));
    let stopped = nodes.stop();
    drop(lock);
    match ended {
        Some(jurisdiction) => {
            let log = log_path(&dir.join(&jurisdiction));
            Err(DemoError::NodeEnded { jurisdiction, log })
        }
        None => stopped.map(|()| ExitCode::SUCCESS),
    }
}
