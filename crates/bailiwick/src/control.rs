//! What a node does for the command line.

use std::path::Path;

use doors::control::keys::KeysRequest;
use doors::control::{Control, LawName, Outcome, Progress, Request};
use mailroom::export::ExportPlan;
use mailroom::import::ImportPlan;
use serde::Serialize;
use serde_json::json;
use terms::{AccountId, Address, CaseId, Secret};
use vault::{Network, Scopes};

use crate::cli::show::desk as show;
use crate::node::Node;

/// Whether this is work of the desk on a case: what waits for two officers after a restoration.
fn is_for_the_desk(request: &Request) -> bool {
    matches!(
        request,
        Request::DemandServe { .. }
            | Request::CaseApprovable { .. }
            | Request::CaseApprove { .. }
            | Request::CaseCollect { .. }
            | Request::CaseRefuse { .. }
    )
}

impl Control for Node {
    fn handle(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
        let is_desks = is_for_the_desk(&request);
        if is_desks {
            self.desk_waits()?;
        }
        let is_closing = matches!(request, Request::Keys(KeysRequest::CloseAccount { .. }));
        let outcome = self.answer(request, progress);
        if (is_desks || is_closing) && outcome.is_ok() {
            // At once, so that a restoration between two rounds holds and closes it too.
            if let Err(error) = crate::backup::follow(self) {
                tracing::error!(%error, "the ledger and the desk are not copied to the places for backups");
            }
        }
        outcome
    }
}

impl Node {
    fn answer(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
        match request {
            Request::Status => self.status(),
            Request::NodeUnlock { .. } | Request::NodeUnlockToken { .. } => {
                Err("this node does not run; a node is unlocked while it runs".to_owned())
            }
            Request::Compact => self.compact(progress),
            Request::Fsck => Ok(self.check_stored()),
            Request::FsckAccount { address, shown, repair_index } => {
                self.check_account(&address, &shown, repair_index, progress)
            }
            Request::Account(request) => self.about_account(request),
            Request::Keys(request) => self.keys(request, progress),
            Request::Backup(request) => self.about_backup(request, progress),
            Request::Officers(request) => self.officers(request, progress),
            Request::AccountList => Ok(self.account_list()),
            Request::Import { address, mailbox, source } => {
                let account = self.account(&address)?;
                import(self, account, &mailbox, Path::new(&source), progress)
            }
            Request::Export { address, password, code, target } => {
                export(self, &address, (&password.0, code.as_ref().map(|code| &code.0)), Path::new(&target), progress)
            }
            Request::DemandServe { text } => said(self.desk.serve(&text), show::served),
            Request::CaseList => said(self.desk.list(), show::list),
            Request::CaseShow { case } => said(self.desk.show(CaseId(case)), show::case),
            Request::CaseApprovable { case, officer } => {
                said(self.desk.check_approvable(CaseId(case), &officer), |()| String::new())
            }
            Request::CaseApprove { case, officer, passphrase } => {
                said(self.desk.approve(CaseId(case), &officer, &passphrase.0), show::approved)
            }
            Request::CaseCollect { case } => said(self.desk.collect(CaseId(case)), show::sealed),
            Request::CaseRefuse { case } => said(self.desk.refuse(CaseId(case)), show::letter),
            Request::LawExplain { case } => said(self.desk.explain(CaseId(case)), show::explained),
            Request::LawReplay { case } => said(self.desk.replay(CaseId(case)), show::replayed),
            Request::LawDiff { old, new } => said(self.desk.law_diff(&chosen(old), &chosen(new)), show::compared),
            Request::LawAdopt { files, note } => self.law_changed(said(self.desk.adopt(&files, &note), show::adopted)),
            Request::LawConfirm { note } => self.law_changed(said(self.desk.confirm(&note), show::confirmed)),
            Request::LawDecide { text, on } => said(self.desk.what_if(&text, on.as_deref()), show::what_if),
        }
    }
}

/// The door's name of a law set in the desk's form.
fn chosen(name: LawName) -> desk::LawChoice {
    match name {
        LawName::Digest(digest) => desk::LawChoice::Digest(digest),
        LawName::Files(files) => desk::LawChoice::Files(files),
    }
}

/// The desk's result in the door's form; `text` presents it.
fn said<T: Serialize>(result: Result<T, desk::DeskError>, text: impl Fn(&T) -> String) -> Result<Outcome, String> {
    let result = result.map_err(|error| show::error(&error))?;
    Ok(Outcome { text: text(&result), data: json!(result) })
}

impl Node {
    /// Opens the book of the law anew after its set or a rule was signed.
    fn law_changed(&self, result: Result<Outcome, String>) -> Result<Outcome, String> {
        let outcome = result?;
        match crate::law::pages::book(&self.desk, &self.config.home) {
            Ok(book) => self.lectern.open(book),
            // The set is in use; only its pages are those of before, and say so by their digest.
            Err(error) => tracing::error!("the pages of the law are not renewed: {error}"),
        }
        Ok(outcome)
    }

    pub(crate) fn account(&self, address: &str) -> Result<AccountId, String> {
        let address: Address = address.parse().map_err(|error| format!("{error}"))?;
        let account = self.mailroom.store.account_of(&address).map_err(|error| error.to_string())?;
        account.ok_or_else(|| {
            format!("no account has this address at this node, which is home to {}", self.config.domains.join(", "))
        })
    }

    fn status(&self) -> Result<Outcome, String> {
        let accounts = self.mailroom.store.accounts().len();
        let officers = self.mailroom.vault.officers().map_err(|error| error.to_string())?.len();
        let (size, law) = (self.log.size(), self.desk.law_digest());
        let adopted_by = self.desk.law_adopted_by();
        let signed = match &adopted_by {
            Some(counsel) => format!("signed by {counsel}"),
            None => "as the program brought it: no counsel has signed it".to_owned(),
        };
        let standing = self.mailroom.vault.rotations().map_err(|error| error.to_string())?;
        let mut text = format!(
            "{name} ({home}), {hostname}\n{accounts} accounts, {officers} officers, {size} ledger entries\nlaw set {law}, {signed}",
            name = self.config.name,
            home = self.config.jurisdiction,
            hostname = self.config.hostname,
        );
        let health = crate::fsck::health_in_words(&self.mailroom.store.health());
        text.push_str(&format!("\nstore {health}"));
        let shut = self.mailroom.store.quarantined_accounts();
        if !shut.is_empty() {
            text.push_str(&format!("\n{}", crate::fsck::shut_in_words(&shut)));
        }
        let packs = self.mailroom.store.pack_status();
        text.push_str(&format!("\n{}", crate::compaction::in_words(&packs)));
        for line in crate::rotation::in_words(&standing) {
            text.push('\n');
            text.push_str(&line);
        }
        let data = json!({
            "jurisdiction": self.config.jurisdiction, "hostname": self.config.hostname, "accounts": accounts,
            "officers": officers, "ledger_size": size, "law": law, "law_signed_by": adopted_by,
            "store": health, "shut_accounts": shut,
            "packs": crate::compaction::as_data(&packs),
            "rotating": {
                "service": standing.service, "escrow": standing.escrow, "signing": standing.signing,
                "accounts": standing.accounts.len(), "accounts_at_hand": standing.resumable.len(),
            },
        });
        Ok(Outcome { text, data })
    }

    fn account_list(&self) -> Outcome {
        let mut lines = Vec::new();
        let mut data = Vec::new();
        for account in self.mailroom.store.accounts() {
            let mailboxes = self.mailroom.store.mailboxes(account.id).unwrap_or_default();
            let messages: u64 = mailboxes.iter().map(|mailbox| u64::from(mailbox.messages)).sum();
            let modseq = mailboxes.iter().map(|mailbox| mailbox.highest_modseq).max().unwrap_or_default();
            let addresses: Vec<String> = account.addresses.iter().map(ToString::to_string).collect();
            lines.push(format!("{}  {} messages, since {}", addresses.join(", "), messages, account.created));
            data.push(json!({
                "account": account.id, "addresses": addresses, "messages": messages, "modseq": modseq,
                "created": account.created,
            }));
        }
        for account in self.mailroom.store.quarantined_accounts() {
            lines.push(format!("account {account} is shut: its profile is damaged"));
            data.push(json!({ "account": account, "shut": true }));
        }
        Outcome { text: lines.join("\n"), data: json!(data) }
    }
}

fn import(
    node: &Node,
    account: AccountId,
    mailbox: &str,
    source: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, String> {
    let plan = ImportPlan {
        account,
        mailbox: mailbox.to_owned(),
        source: source.to_owned(),
        journal_dir: node.dir.join("import"),
    };
    let report = mailroom::import::run(&node.mailroom, node.disk.as_ref(), &plan, &mut |step| {
        progress(Progress { done: step.done, total: step.total, failed: step.failed, bytes: step.bytes });
    })
    .map_err(|error| error.to_string())?;
    Ok(Outcome { text: report.to_string(), data: json!(report) })
}

fn export(
    node: &Node,
    address: &str,
    (password, code): (&Secret<String>, Option<&Secret<String>>),
    target: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, String> {
    let right = node
        .mailroom
        .sign_in(address, password, code, Scopes::PAGES, Network::HERE)
        .map_err(|error| error.to_string())?;
    let plan = ExportPlan { target: target.to_owned() };
    let report = mailroom::export::run(&node.mailroom, &right, &plan, &mut |step| {
        progress(Progress { done: step.done, total: step.total, failed: step.failed, bytes: step.bytes });
    })
    .map_err(|error| error.to_string())?;
    Ok(Outcome { text: report.to_string(), data: json!(report) })
}
