//! `account rotate-key`, and what the running node does for its keys by itself: it carries on what was interrupted, as far
//! as it can without anybody's secret, and destroys the keys of days that are over (docs/flows/rotate.md).

use std::process::ExitCode;
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use doors::control::officers::ShownHand;
use doors::control::{AccountAct, AccountRequest, Outcome, Request, Shown};
use serde_json::json;
use store::StoreError;
use terms::{AccountId, Digest, OfficerName};
use vault::{Act, OwnerProof, Rotations, VaultError};

use crate::cli::NodeChoice;
use crate::cli::officers::Hands;
use crate::client::ask;
use crate::node::Node;
use crate::{officers, owner};

/// How long a rotation waits before it looks again whether what was on its way has come to rest.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How often it looks while somebody waits; then the running node goes on with it alone.
const LOOKS_MAX: u32 = 50;

/// `account rotate-key`
pub(crate) fn rotate_key(
    address: &str,
    everything: bool,
    by: &[OfficerName],
    node: &NodeChoice,
) -> Result<ExitCode, String> {
    let act = if by.is_empty() {
        AccountAct::RotateKey { shown: owner::shown(node, address)?, everything }
    } else {
        AccountAct::RotateKeyByOfficers { hands: officers::shown(&Hands { by: by.to_vec() })? }
    };
    ask(node, Request::Account(AccountRequest { address: address.to_owned(), act }))
}

/// An account's key after a rotation that was asked for.
impl Node {
    /// Replaces an account's pair for its owner.
    pub(crate) fn rotate_account(
        &self,
        account: AccountId,
        address: &str,
        shown: Shown,
        everything: bool,
    ) -> Result<Outcome, String> {
        let vault = &self.mailroom.vault;
        let proof = OwnerProof::here(shown.password.0, shown.code.map(|code| code.0));
        // Whoever cannot show the password, and a code where codes are on, leaves no entry.
        vault.check_owner(account, &proof).map_err(|error| error.to_string())?;
        let _turn = self.rotating();
        let entry = self.record_account_key(account)?;
        let begun = vault.begin_account_rotation(account, &proof, everything);
        let (_, codes) = self.done_or_recorded(entry, begun)?;
        let finished = self.carry_account_on(account)?;
        let mut text = rotated(address, finished);
        if everything {
            text.push_str(
                "\nApp passwords, web sessions and recovery codes of before have ended: make new app passwords for mail clients.",
            );
        }
        if !codes.is_empty() {
            text.push_str("\nNew recovery codes, shown this once:\n");
            text.extend(codes.iter().map(|code| format!("  {}\n", code.expose())));
        }
        let codes: Vec<&str> = codes.iter().map(|code| code.expose().as_str()).collect();
        text = format!("{}\nLedger entry {entry}.", text.trim_end());
        Ok(Outcome { text, data: json!({ "entry": entry, "finished": finished, "recovery_codes": codes }) })
    }

    /// Replaces an account's pair by two officers.
    pub(crate) fn rotate_account_by_officers(
        &self,
        account: AccountId,
        address: &str,
        hands: Vec<ShownHand>,
    ) -> Result<Outcome, String> {
        let hands = hands.into_iter().map(ShownHand::into_proof).collect::<Vec<_>>();
        let hands = hands.try_into().map_err(|_| "two officers must agree to this".to_owned())?;
        let _turn = self.rotating();
        let (_, _, entry) = self.act_of_two(Act::RotateAccount { account }, None, hands)?;
        let finished = self.carry_account_on(account)?;
        let notice = "Two officers of this home have replaced the key of this mailbox, because somebody may have had it. \
                      Your password, app passwords and mail are as they were. If you think that somebody knows your \
                      password, change it.\r\n";
        let told = self.mailroom.notice(account, "The key of your mailbox was replaced", notice);
        let mut text = rotated(address, finished);
        if let Err(error) = told {
            text.push_str(&format!("\nThe owner could not be told: {error}"));
        }
        text.push_str(&format!("\nLedger entry {entry}."));
        Ok(Outcome { text, data: json!({ "entry": entry, "finished": finished }) })
    }

    /// The entry of an account's rotation names the account by a keyed hash only.
    fn record_account_key(&self, account: AccountId) -> Result<u64, String> {
        let hash = self.mailroom.vault.service_hash("ledger/account", &account.0).map_err(|error| error.to_string())?;
        self.record("account-key", json!({ "account": Digest(hash) }))
    }

    /// Seals an account's epochs to its new half and has the old one destroyed. `false` when something is still on its way:
    /// the running node goes on with it.
    fn carry_account_on(&self, account: AccountId) -> Result<bool, String> {
        for _ in 0..LOOKS_MAX {
            if self.rekey(account).map_err(|error| error.to_string())? {
                return Ok(true);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(false)
    }

    fn rekey(&self, account: AccountId) -> Result<bool, StoreError> {
        let finished = self.mailroom.store.rekey_account(account, &mut |_, _| {})?.finished;
        if finished {
            self.mailroom.drop_index(account)?;
        }
        Ok(finished)
    }
}

fn rotated(address: &str, finished: bool) -> String {
    if finished {
        format!("{address} has a new key, every epoch is sealed to it, and the key of before is destroyed.")
    } else {
        format!(
            "{address} has a new key, and receives by it. The key of before is destroyed as soon as what was on its way has \
             come to rest; the node sees to it."
        )
    }
}

/// The node's signing key.
impl Node {
    /// `node rotate signing`: replaces the key that signs the ledger, or carries on.
    pub(crate) fn rotate_signing(&self) -> Result<Outcome, String> {
        let _turn = self.rotating();
        let old = self.log.verifier();
        let (new, entry) = self.signing_step()?;
        let text = format!(
            "The ledger is signed by another key, and the one before is overwritten:\n  {new}\nGive it to whoever checks this \
             ledger. The file `keys` beside the ledger leads from the old key to it, signed by both.\nLedger entry {entry}."
        );
        Ok(Outcome { text, data: json!({ "old": old.to_string(), "new": new.to_string(), "entry": entry }) })
    }

    /// The next key is made, the ledger has it, the log changes over, and the old key goes. It needs nobody's secret, and each
    /// step may be repeated. Gives the new key and the entry.
    fn signing_step(&self) -> Result<(ledger::Verifier, u64), String> {
        let said = |error: VaultError| error.to_string();
        let failed = |error: ledger::LedgerError| error.to_string();
        let vault = &self.mailroom.vault;
        let next = vault.begin_signing_rotation().map_err(said)?;
        let old = self.log.verifier();
        let new = ledger::Verifier::new(old.name(), next.public_key()).map_err(failed)?;
        let at = self.mailroom.clock.now().rfc3339();
        let statement = ledger::key_change_statement(&old, &new, &at).map_err(failed)?;
        let (opening, receipt) = self.desk.record_house(statement).map_err(|error| error.to_string())?;
        self.log.change_key(next, &opening, receipt.index).map_err(failed)?;
        vault.finish_signing_rotation(&new).map_err(said)?;
        Ok((new, receipt.index))
    }
}

/// What the node does by itself.
impl Node {
    /// Looks after the keys: to be called when the rooms are open, and each half minute.
    pub(crate) fn look_after_keys(&self) {
        if let Err(error) = self.mailroom.vault.destroy_day_keys(self.config.vault.key_window_days) {
            tracing::error!("keys of days that are over could not be destroyed: {error}");
        }
        self.finish_closings();
        // Whoever replaces a key at the command line does it there.
        let _turn = match self.rotating.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Ok(standing) = self.mailroom.vault.rotations() else { return };
        if standing.service
            && let Err(error) = self.service_step()
        {
            tracing::error!("the replacement of the service key stands: {error}");
        }
        // Also where the log has changed over and the vault has not.
        let changed = standing.signing.then(|| match self.log.verifier() {
            now if now == self.mailroom.vault.log_verifier() => self.signing_step().map(drop),
            now => self.mailroom.vault.finish_signing_rotation(&now).map_err(|error| error.to_string()),
        });
        if let Some(Err(error)) = changed {
            tracing::error!("the replacement of the signing key stands: {error}");
        }
        for account in standing.resumable {
            match self.rekey(account) {
                Ok(_) | Err(StoreError::NoSuchAccount) => {}
                Err(error) => tracing::error!("the replacement of an account's key stands: {error}"),
            }
        }
    }

    /// Holds the running node back from carrying on what is done here.
    pub(crate) fn rotating(&self) -> std::sync::MutexGuard<'_, ()> {
        self.rotating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every account receive by the half that the vault has of it: after an interruption between the two, or when rows
    /// of before were put back. To be called before mail comes.
    pub(crate) fn follow_vault(&self) -> Result<(), StoreError> {
        for account in self.mailroom.store.accounts().iter().filter(|account| !account.closed) {
            match self.mailroom.store.follow_vault(account.id) {
                // A file that does not open, or rows that do not, keep one owner out, not the node.
                Ok(()) | Err(StoreError::Vault(_) | StoreError::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What stands, in the words of `node status`.
pub(crate) fn in_words(standing: &Rotations) -> Vec<String> {
    let mut lines = Vec::new();
    if standing.service {
        lines.push("service key: being replaced; the node goes on with it by itself".to_owned());
    }
    if standing.escrow {
        lines.push("escrow key: being replaced; two officers carry it on (`node rotate escrow`)".to_owned());
    }
    if standing.signing {
        lines.push("signing key: being replaced; the node goes on with it by itself".to_owned());
    }
    let waiting = standing.accounts.iter().filter(|account| !standing.resumable.contains(account)).count();
    if !standing.resumable.is_empty() {
        lines.push(format!("keys of {} accounts: being replaced", standing.resumable.len()));
    }
    if waiting > 0 {
        lines.push(format!("keys of {waiting} accounts: being replaced, once their owners sign in"));
    }
    lines
}
