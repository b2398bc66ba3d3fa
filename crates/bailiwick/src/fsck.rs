//! `bailiwick fsck`: is everything there, and as it was written? It needs no owner, so it cannot tell whether a message
//! opens; a checksum says that its sealed bytes are those that were stored.

use std::process::ExitCode;

use doors::control::{Outcome, Request};
use durable::RealDisk;
use serde_json::json;
use store::Health;

use crate::cli::NodeChoice;
use crate::client;
use crate::node::Node;

/// The exit code when nothing could be checked.
const NOT_CHECKED: u8 = 2;

/// `fsck`. Exit codes: 0, all is well; 1, damage; 2, it could not be checked.
pub(crate) fn command(node: &NodeChoice) -> Result<ExitCode, String> {
    let Outcome { text, data } = match client::answer(node, Request::Fsck) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("bailiwick: not checked: {error}");
            return Ok(ExitCode::from(NOT_CHECKED));
        }
    };
    client::print(node.json, &text, &data);
    Ok(if data["sound"] == json!(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How the last write went, for an operator.
pub(crate) fn health_in_words(health: &Health) -> String {
    match health {
        Health::Fine => "healthy".to_owned(),
        Health::DiskFull => "unhealthy: the disk is full; mail is deferred until there is space".to_owned(),
        Health::Failing(error) => {
            format!("unhealthy: the last write failed ({error}); the next one is tried with fresh files")
        }
    }
}

impl Node {
    /// Reads all that is stored and says what is damaged. One damage never stops the rest. The node goes on meanwhile.
    pub(crate) fn check_stored(&self) -> Outcome {
        let report = self.mailroom.store.verify();
        let mut damages: Vec<String> = report.damages.iter().map(|damage| format!("store: {damage}")).collect();
        let ledger = ledger::verify_dir(&RealDisk, &self.dir.join("ledger"), Some(&self.log.verifier()));
        let entries = ledger.as_ref().map_or(0, |ledger| ledger.size);
        if let Err(error) = ledger {
            damages.push(format!("ledger: {error}"));
        }
        let unused = report.pack_bytes.saturating_sub(report.live_bytes);
        let mut text = format!(
            "{} accounts, {} messages, {} commits, {} segments with {} bytes, {unused} of them without a message; {entries} \
             ledger entries",
            report.accounts, report.messages, report.commits, report.segments, report.pack_bytes,
        );
        for damage in &damages {
            text.push_str("\ndamaged  ");
            text.push_str(damage);
        }
        text.push_str(match damages.len() {
            0 => "\nNothing is damaged.",
            _ => "\nWhat is not named is whole and goes on. docs/fsck.md says what to do about each.",
        });
        let data = json!({
            "sound": damages.is_empty(), "accounts": report.accounts, "messages": report.messages,
            "commits": report.commits, "segments": report.segments, "pack_bytes": report.pack_bytes,
            "live_bytes": report.live_bytes, "ledger_entries": entries, "damages": damages,
        });
        Outcome { text, data }
    }
}
