//! `bailiwick fsck`: is everything there, and as it was written? Without an owner it cannot tell whether a message opens; a
//! checksum says that its sealed bytes are those that were stored. With an owner's sign-in, all of that account is opened.

mod findings;

use std::process::ExitCode;

use doors::control::{Outcome, Progress, Request};
use durable::RealDisk;
use serde_json::json;
use store::Health;
use terms::AccountId;
use vault::{Network, Scopes};

use crate::cli::FsckArgs;
use crate::client;
use crate::node::Node;
use crate::owner;
use findings::Findings;

/// The exit code when nothing could be checked.
const NOT_CHECKED: u8 = 2;

/// `fsck`. Exit codes: 0, all is well; 1, damage; 2, it could not be checked.
pub(crate) fn command(args: &FsckArgs) -> Result<ExitCode, String> {
    let answered = request(args).and_then(|request| client::answer_from(&args.node, request));
    let (Outcome { mut text, mut data }, runs) = match answered {
        Ok(answered) => answered,
        Err(error) => {
            eprintln!("bailiwick: not checked: {error}");
            return Ok(ExitCode::from(NOT_CHECKED));
        }
    };
    data["running"] = json!(runs);
    text.push_str(if runs {
        "\nChecked by the running node."
    } else {
        "\nThe node does not run; its folder was opened."
    });
    client::print(args.node.json, &text, &data);
    let damaged = data["damages"].as_array().is_some_and(|damages| !damages.is_empty());
    Ok(match (damaged, data["sound"] == json!(true)) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::SUCCESS,
        (false, false) => ExitCode::from(NOT_CHECKED),
    })
}

fn request(args: &FsckArgs) -> Result<Request, String> {
    let Some(address) = &args.account else { return Ok(Request::Fsck) };
    let shown = owner::shown(&args.node, address)?;
    Ok(Request::FsckAccount { address: address.clone(), shown, repair_index: args.repair_index })
}

/// How the last write went, for an operator.
pub(crate) fn health_in_words(health: &Health) -> String {
    match health {
        Health::Fine => "healthy".to_owned(),
        Health::DiskFull => "unhealthy: the disk is full; mail is deferred until there is space".to_owned(),
        Health::Failing(error) => {
            format!("unhealthy: the last write failed ({error}); the next one is tried with fresh files")
        }
        Health::WalStuck(error) => format!(
            "unhealthy: all is stored, but the log of the store's rows cannot be brought into their file and grows \
             ({error}); look at the disk"
        ),
    }
}

/// The accounts whose profile does not open, for an operator.
pub(crate) fn shut_in_words(shut: &[AccountId]) -> String {
    let ids: Vec<String> = shut.iter().map(ToString::to_string).collect();
    format!(
        "unhealthy: the profile of {} {} is damaged. {} mail is deferred and nobody reads it; everybody else's goes on. Run \
         `bailiwick fsck`, and restore a backup",
        if shut.len() == 1 { "account" } else { "accounts" },
        ids.join(", "),
        if shut.len() == 1 { "Its" } else { "Their" },
    )
}

impl Node {
    /// Reads all that is stored and says what is damaged. One damage never stops the rest. The node goes on meanwhile.
    pub(crate) fn check_stored(&self) -> Outcome {
        let mut findings = Findings::default();
        let report = self.mailroom.store.verify();
        findings.mail(&report.damages);
        report.notes.iter().for_each(|note| findings.note(note));
        report.unchecked.iter().for_each(|what| findings.unchecked(what));
        let index = self.mailroom.check_index_files();
        findings.mail(&index.damages);
        index.notes.iter().for_each(|note| findings.note(note));
        let vault_files = match self.mailroom.vault.damaged_files() {
            Ok((count, damaged)) => {
                damaged.iter().for_each(|file| findings.vault(file));
                count
            }
            Err(error) => {
                findings.unchecked(format!("vault: {error}"));
                0
            }
        };
        let survey = ledger::survey_dir(&RealDisk, &self.dir.join("ledger"), Some(&self.log.verifier()));
        survey.damages.iter().for_each(|damage| findings.ledger(damage));
        let entries = survey.report.map_or(0, |ledger| ledger.size);
        let unused = report.pack_bytes.saturating_sub(report.live_bytes);
        let mut text = format!(
            "{} accounts, {} messages, {} commits, {} segments with {} bytes, {unused} of them without a message; {} index \
             files, {vault_files} vault files, {entries} ledger entries",
            report.accounts, report.messages, report.commits, report.segments, report.pack_bytes, index.files,
        );
        findings.print(&mut text);
        let mut data = json!({
            "accounts": report.accounts, "messages": report.messages,
            "commits": report.commits, "segments": report.segments, "pack_bytes": report.pack_bytes,
            "live_bytes": report.live_bytes, "index_files": index.files, "vault_files": vault_files,
            "ledger_entries": entries,
        });
        findings.fields(&mut data);
        Outcome { text, data }
    }

    /// Opens all of an account for its owner, derives anew what is derived, and says what differs.
    pub(crate) fn check_account(
        &self,
        address: &str,
        shown: &doors::control::Shown,
        repair_index: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, String> {
        let code = shown.code.as_ref().map(|code| &code.0);
        let right = self.mailroom.sign_in(address, &shown.password.0, code, Scopes::PAGES, Network::HERE);
        let right = right.map_err(|error| error.to_string())?;
        let report = mailroom::check::run(&self.mailroom, &right, &mut |step| {
            progress(Progress { done: step.done, total: step.total, failed: step.failed, bytes: step.bytes });
        })
        .map_err(|error| error.to_string())?;
        let mut findings = Findings::default();
        findings.mail(&report.damages);
        report.notes.iter().for_each(|note| findings.note(note));
        let mut text = format!(
            "{} messages opened, {} octets; {} index files with {} of them",
            report.messages, report.bytes, report.volumes, report.indexed,
        );
        let mut data = json!({
            "messages": report.messages, "bytes": report.bytes, "index_files": report.volumes, "indexed": report.indexed,
        });
        if repair_index {
            let size = self.mailroom.rebuild_index(&right).map_err(|error| error.to_string())?;
            findings.note(format!(
                "the index was dropped and made anew: {} messages in {} files",
                size.messages, size.volumes
            ));
            data["index_rebuilt"] = json!(size.messages);
        }
        findings.print(&mut text);
        findings.fields(&mut data);
        Ok(Outcome { text, data })
    }
}
