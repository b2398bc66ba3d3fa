//! `officer …`, `node rotate escrow`: what officers do with their own keys. Two are in the room, the ledger has it first.

use std::fmt::Write;
use std::process::ExitCode;

use doors::control::officers::{OfficersRequest, ShownHand};
use doors::control::{Outcome, Phrase, Progress, Request};
use serde_json::json;
use terms::{OfficerName, Secret};
use vault::{Act, OfficerProof, act_statement};

use crate::cli::NodeChoice;
use crate::cli::officers::{Hands, OfficerArgs, OfficerCommand, RecoveryCommand};
use crate::client::{ask, new_secret, secret};
use crate::config::Unlock;
use crate::node::{Node, PASSWORD_CHARS_MIN};

/// Accounts that are sealed to a new key between two reports of how far it is.
const SWEEP_BATCH: u64 = 64;

/// `officer …`
pub(crate) fn command(args: &OfficerArgs) -> Result<ExitCode, String> {
    match &args.command {
        OfficerCommand::List(node) => ask(node, Request::Officers(OfficersRequest::List)),
        OfficerCommand::Enrol { name, hands, node } => {
            let hands = shown(hands)?;
            act(node, Act::Enrol { officer: name.clone() }, Some(passphrase_of(name)?), hands)
        }
        OfficerCommand::Remove { name, hands, node } => {
            act(node, Act::Remove { officer: name.clone() }, None, shown(hands)?)
        }
        OfficerCommand::Drill { hands, node } => act(node, Act::Drill, None, shown(hands)?),
        OfficerCommand::Passphrase { name, node } => {
            let old = Phrase(secret(&format!("Present passphrase of officer {name}"))?);
            let new = passphrase_of(name)?;
            ask(node, Request::Officers(OfficersRequest::Passphrase { officer: name.clone(), old, new }))
        }
        OfficerCommand::Recovery { command: RecoveryCommand::Print { count, hands, node } } => {
            act(node, Act::PrintShares { count: *count }, None, shown(hands)?)
        }
        OfficerCommand::Recovery { command: RecoveryCommand::Restore { name, hands, node } } => {
            let hands = shown(hands)?;
            act(node, Act::Enrol { officer: name.clone() }, Some(passphrase_of(name)?), hands)
        }
    }
}

/// `node rotate escrow`
pub(crate) fn rotate_escrow(hands: &Hands, node: &NodeChoice) -> Result<ExitCode, String> {
    act(node, Act::RotateEscrow, None, shown(hands)?)
}

fn act(node: &NodeChoice, act: Act, newcomer: Option<Phrase>, hands: Vec<ShownHand>) -> Result<ExitCode, String> {
    ask(node, Request::Officers(OfficersRequest::Act { act, newcomer, hands }))
}

/// Asks each of the two for what they show.
pub(crate) fn shown(hands: &Hands) -> Result<Vec<ShownHand>, String> {
    if hands.by.len() > 2 {
        return Err("two agree to this, not more; name two with --by".to_owned());
    }
    let mut shown = Vec::new();
    for officer in &hands.by {
        let secret = Phrase(secret(&format!("Passphrase of officer {officer}"))?);
        shown.push(ShownHand { officer: Some(officer.clone()), secret });
    }
    while shown.len() < 2 {
        let secret = Phrase(secret("The 28 words of a share on paper, in one line")?);
        shown.push(ShownHand { officer: None, secret });
    }
    Ok(shown)
}

fn passphrase_of(name: &OfficerName) -> Result<Phrase, String> {
    let passphrase = new_secret(&format!("New passphrase of officer {name}"))?;
    if passphrase.expose().chars().count() < PASSWORD_CHARS_MIN {
        return Err(format!("a passphrase has at least {PASSWORD_CHARS_MIN} characters"));
    }
    Ok(Phrase(passphrase))
}

impl Node {
    /// Carries out what is asked about officers.
    pub(crate) fn officers(
        &self,
        request: OfficersRequest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, String> {
        match request {
            OfficersRequest::List => self.officers_list(),
            OfficersRequest::Act { act, newcomer, hands } => {
                let hands: Vec<OfficerProof> = hands.into_iter().map(ShownHand::into_proof).collect();
                let hands: [OfficerProof; 2] = hands.try_into().map_err(|_| "two must agree to this".to_owned())?;
                self.officers_act(act, newcomer.map(|phrase| phrase.0), hands, progress)
            }
            OfficersRequest::Passphrase { officer, old, new } => {
                let changed = self.mailroom.vault.change_officer_passphrase(&officer, &old.0, &new.0);
                changed.map_err(|error| error.to_string())?;
                let text = format!("{officer} approves with the new passphrase from now on.");
                Ok(Outcome { text, data: json!({ "officer": officer }) })
            }
        }
    }

    fn officers_list(&self) -> Result<Outcome, String> {
        let (mut text, mut data) = (String::new(), Vec::new());
        let now = self.mailroom.clock.now();
        for officer in self.mailroom.vault.officers().map_err(|error| error.to_string())? {
            let power = if now < officer.in_power {
                format!("enrolled, approves from {} on", officer.in_power)
            } else {
                format!("approves, since {}", officer.enrolled)
            };
            let fingerprint = &terms::hex(&officer.verifying_key)[..16];
            let _ = writeln!(text, "{:<16} {power}  key {fingerprint}", officer.name.as_str());
            data.push(json!({
                "officer": officer.name, "enrolled": officer.enrolled, "in_power": officer.in_power,
                "key": terms::hex(&officer.verifying_key),
            }));
        }
        Ok(Outcome { text, data: json!(data) })
    }

    fn officers_act(
        &self,
        act: Act,
        newcomer: Option<Secret<String>>,
        hands: [OfficerProof; 2],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, String> {
        let (signed, papers, entry) = self.act_of_two(act.clone(), newcomer, hands)?;
        if matches!(act, Act::Remove { .. } | Act::RotateEscrow) {
            self.sweep_escrow(progress)?;
        }
        let by: Vec<String> = signed.by.iter().map(vault::ActedBy::label).collect();
        let mut text = done(&act, &by.join(" and "));
        let _ = write!(text, "\nLedger entry {entry}, digest {}.", signed.digest());
        for (number, words) in (1..).zip(&papers) {
            let _ = write!(text, "\n\n{}", envelope(self.config.jurisdiction.as_str(), number, papers.len(), words));
        }
        let papers: Vec<&str> = papers.iter().map(|words| words.expose().as_str()).collect();
        let data =
            json!({ "act": signed.act.name(), "entry": entry, "digest": signed.digest(), "by": by, "papers": papers });
        Ok(Outcome { text, data })
    }

    /// Two agree, the ledger has it, and only then the vault does it. Gives what was signed, shares on paper if there are
    /// any, and the number of the ledger's entry.
    pub(crate) fn act_of_two(
        &self,
        act: Act,
        new_secret: Option<Secret<String>>,
        hands: [OfficerProof; 2],
    ) -> Result<(vault::SignedAct, Vec<Secret<String>>, u64), String> {
        let vault = &self.mailroom.vault;
        let said = |error: vault::VaultError| error.to_string();
        let begun = vault.begin_act(act, new_secret.as_ref(), hands).map_err(said)?;
        let signed = begun.signed().clone();
        let recorded = self.desk.record_house(act_statement(&signed)).map_err(|error| error.to_string())?;
        let papers = vault.finish_act(begun, &recorded.0, &recorded.1).map_err(said)?;
        Ok((signed, papers, recorded.1.index))
    }

    fn sweep_escrow(&self, progress: &mut dyn FnMut(Progress)) -> Result<(), String> {
        loop {
            let sweep = self.mailroom.vault.sweep_escrow(SWEEP_BATCH).map_err(|error| {
                format!("{error}\nWhat is done is done; carry on with `node rotate escrow` and two officers.")
            })?;
            progress(Progress { done: sweep.done, total: sweep.total, ..Progress::default() });
            if sweep.finished {
                return Ok(());
            }
        }
    }
}

/// What was done, for the people in the room.
fn done(act: &Act, by: &str) -> String {
    let old_papers =
        "Shares on paper of before open nothing that is kept from now on: destroy them, and print new ones.";
    match act {
        Act::Enrol { officer } => format!(
            "{officer} is enrolled by {by}, and can do nothing for 72 hours. New shares are dealt.\n{old_papers}"
        ),
        Act::Remove { officer } => format!(
            "{officer} is removed by {by}. The escrow key is another one, every account is sealed to it, and new shares \
             are dealt: what {officer} keeps joins with nothing.\n{old_papers}\nBackups of before open with the old \
             shares until the backups' keys are destroyed."
        ),
        Act::RotateEscrow => format!(
            "The escrow key is replaced by {by}; every account is sealed to the new one, and new shares are dealt.\n\
             {old_papers}"
        ),
        Act::PrintShares { count } => {
            format!("New shares are dealt by {by}, {count} of them on paper, below. They are not shown again.")
        }
        Act::Drill => format!("The shares of {by} join to the escrow key. Nothing was opened."),
        Act::BeginReset { .. } | Act::FinishReset { .. } | Act::RotateAccount { .. } => format!("Agreed by {by}."),
    }
}

/// What goes into one envelope and upon it.
fn envelope(home: &str, number: usize, count: usize, words: &Secret<String>) -> String {
    format!(
        "---- share {number} of {count} on paper, home {home} ----\n{}\n----\n\
         Copy it by hand, check each word, put it into an envelope of its own that shows whether it was opened, and\n\
         write on it: \"Bailiwick {home}, share {number} of {count}. With one officer or one more share it makes officers,\n\
         who can open mail 72 hours later. Open before witnesses only, and say so to the other officers.\"\n\
         Keep each at another place and with another person, none with an officer. Leave no copy on a machine.",
        words.expose()
    )
}

impl Node {
    /// What the people in the room are told when a node was made: what there is now, and what to write down.
    pub(crate) fn ceremony(&self) -> String {
        let vault = &self.mailroom.vault;
        let mut text = format!(
            "The keys of {} are made.\n\nOfficers, any two of whom open mail for a case:\n",
            self.config.jurisdiction
        );
        for officer in vault.officers().unwrap_or_default() {
            let _ = writeln!(text, "  {:<16} key {}", officer.name.as_str(), terms::hex(&officer.verifying_key));
        }
        let passphrase = match self.config.vault.unlock {
            Unlock::PassphraseFile => "the node's passphrase (secrets/passphrase)",
            Unlock::ByHand | Unlock::Token => "the node's passphrase, as it is shown below",
        };
        let _ = write!(
            text,
            "Ledger:\n  {}\n\n\
             Write down, each in a place of its own:\n\
             1. Each officer: the own passphrase, seen by nobody else.\n\
             2. The operator: {passphrase}, away from this disk and its backups.\n\
             3. All: the officers' keys and the ledger's key as printed here; compare them before you rely on them.\n\
             Then: `officer drill --by A --by B` proves that two shares join; `officer recovery print --by A --by B` puts\n\
             shares on paper for the day on which all officers but one are lost. Both are entries of the ledger.",
            self.log.verifier()
        );
        text
    }
}
