//! The demo's nodes as processes.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use terms::Jurisdiction;

use super::error::DemoError;
use crate::parent::Ready;

/// How long a node may take to close them.
const STOP_WITHIN: Duration = Duration::from_secs(15);

pub(super) fn log_path(node_dir: &Path) -> PathBuf {
    node_dir.join("run").join("node.log")
}

/// One node's process.
pub(super) struct Running {
    pub(super) jurisdiction: String,
    pub(super) dir: PathBuf,
    pub(super) child: Child,
    pub(super) lines: mpsc::Receiver<String>,
    /// What it said when it was ready.
    pub(super) ready: Option<Ready>,
}

impl Running {
    pub(super) fn start(demo: &Path, jurisdiction: &Jurisdiction) -> Result<Self, DemoError> {
        let dir = demo.join(jurisdiction.as_str());
        let program = std::env::current_exe().map_err(|error| DemoError::Program(error.to_string()))?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(log_path(&dir))
            .map_err(DemoError::at(&log_path(&dir)))?;
        let mut child = Command::new(program)
            .args(["node", "run", "--with-parent", "--json", "--node"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| DemoError::NotStarted { jurisdiction: jurisdiction.to_string(), error })?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Ok(Self { jurisdiction: jurisdiction.to_string(), dir, child, lines, ready: None })
    }

    pub(super) fn wait_until_ready(&mut self, deadline: Instant) -> Result<(), DemoError> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                self.ready = Some(serde_json::from_str(&line).map_err(|error| DemoError::Program(error.to_string()))?);
                Ok(())
            }
            Err(_) => {
                let log = std::fs::read_to_string(log_path(&self.dir)).unwrap_or_default();
                let mut last: VecDeque<&str> = log.lines().collect();
                while last.len() > 5 {
                    last.pop_front();
                }
                Err(DemoError::NotReady {
                    jurisdiction: self.jurisdiction.clone(),
                    log: log_path(&self.dir),
                    last: last.make_contiguous().join("\n"),
                })
            }
        }
    }
}

/// The three processes; dropping them ends them.
pub(super) struct Nodes(pub(super) Vec<Running>);

impl Nodes {
    /// Asks every node to stop, waits, and ends by force what does not.
    pub(super) fn stop(&mut self) -> Result<(), DemoError> {
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
        if forced.is_empty() { Ok(()) } else { Err(DemoError::Forced(forced)) }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Waits for Ctrl-C or SIGTERM (`None`) or for a node that ends by itself (its jurisdiction).
pub(super) async fn wait_for_the_end(nodes: &mut Nodes) -> Option<String> {
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
