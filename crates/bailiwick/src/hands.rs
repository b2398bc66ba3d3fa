//! `node hands …`: the people of whom two unlock a node by hand, named for a node that is there already.

use std::process::ExitCode;

use doors::control::keys::KeysRequest;
use doors::control::{Outcome, Phrase, Request};
use serde_json::json;
use terms::{OfficerName, Secret};
use vault::VaultGate;

use crate::cli::hands::HandsCommand;
use crate::client::{ask, new_secret, secret};
use crate::config::Unlock;
use crate::node::{Node, PASSWORD_CHARS_MIN};

/// `node hands …`
pub(crate) fn command(command: HandsCommand) -> Result<ExitCode, String> {
    match command {
        HandsCommand::List(node) => ask(&node, Request::Keys(KeysRequest::HandsList)),
        HandsCommand::Set { holders, node } => {
            let passphrase = Phrase(secret("Passphrase of the node")?);
            let holders = holders.into_iter().map(|holder| {
                let words = passphrase_of("key holder", &holder)?;
                Ok((holder, Phrase(words)))
            });
            let holders = holders.collect::<Result<_, String>>()?;
            ask(&node, Request::Keys(KeysRequest::HandsSet { holders, passphrase }))
        }
    }
}

/// Asks a person for a new passphrase.
pub(crate) fn passphrase_of(who: &str, name: &OfficerName) -> Result<Secret<String>, String> {
    let passphrase = new_secret(&format!("Passphrase of {who} {name}"))?;
    if passphrase.expose().chars().count() < PASSWORD_CHARS_MIN {
        return Err(format!("a passphrase has at least {PASSWORD_CHARS_MIN} characters"));
    }
    Ok(passphrase)
}

/// Who unlocks a node by hand; also of a node that is locked.
pub(crate) fn list(gate: &VaultGate) -> Result<Outcome, String> {
    let holders = gate.key_holders().map_err(|error| error.to_string())?;
    let names: Vec<&str> = holders.iter().map(OfficerName::as_str).collect();
    let text = if names.is_empty() {
        "Nobody was named who unlocks this node by hand.".to_owned()
    } else {
        format!("Two of these unlock the node: {}.", names.join(", "))
    };
    Ok(Outcome { text, data: json!({ "holders": names }) })
}

impl Node {
    /// Names the people of whom two unlock the node by hand: the ledger first, then the vault, the configuration, and at last
    /// the end of the passphrase file.
    pub(crate) fn set_hands(
        &self,
        holders: Vec<(OfficerName, Phrase)>,
        passphrase: &Secret<String>,
    ) -> Result<Outcome, String> {
        self.no_rotation()?;
        self.gate.check_passphrase(passphrase).map_err(|error| error.to_string())?;
        let cost = self.config.vault.cost();
        let names: Vec<OfficerName> = holders.iter().map(|(name, _)| name.clone()).collect();
        let entry = self.record("key-holders", json!({ "holders": names }))?;
        let holders: Vec<_> = holders.into_iter().map(|(name, words)| (name, words.0)).collect();
        self.done_or_recorded(entry, self.gate.set_key_holders(passphrase, &holders, cost))?;
        let mut by_token = false;
        self.change_unlocking(|vault| match vault.unlock {
            Unlock::PassphraseFile => vault.unlock = Unlock::ByHand,
            Unlock::ByHand => {}
            Unlock::Token => by_token = true,
        })?;
        let how = if by_token {
            "The token unlocks the node as before; when it cannot, any two of them do"
        } else {
            "From its next start on any two of them unlock the node"
        };
        let dir = self.dir.display();
        let text = format!(
            "{how}: bailiwick node unlock --node {dir} --holder NAME\nWhoever was named before unlocks nothing. The passphrase \
             that you typed unlocks too: keep it away from this machine. Its file is overwritten, if there was one; copies and \
             backups of that file are not.\nLedger entry {entry}."
        );
        Ok(Outcome { text, data: json!({ "holders": names, "entry": entry }) })
    }

    /// Refuses while the service key is being replaced: what is sealed to somebody then could be the old key alone.
    pub(crate) fn no_rotation(&self) -> Result<(), String> {
        let generations = self.mailroom.vault.service_generations().map_err(|error| error.to_string())?;
        if generations.len() > 1 {
            return Err(
                "the service key is being replaced; let `bailiwick node rotate service` finish first".to_owned()
            );
        }
        Ok(())
    }
}
