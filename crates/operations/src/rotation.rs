//! Replacing keys while mail comes and goes: the service key, the key that signs the ledger, an account's key
//! (docs/flows/rotate.md). And what the running node does for its keys by itself: it continues what was interrupted, as far as
//! that needs nobody's secret, and destroys the keys of days that are over.

use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoreError;
use terms::{AccountId, Digest, Secret};
use vault::{Act, RotationError, VaultError};

use crate::error::OperationError;
use crate::keys::KeysError;
use crate::node::{Node, Note};
use crate::operation::{Operation, OwnerCredentials, Progress, SecretText, TwoConsents, Unit, both, shown_once};

/// How long a replacement of the service key waits before it looks again whether the old key may go.
const LOOK_FOR_SERVICE: Duration = Duration::from_secs(2);

/// How long an account's replacement waits before it looks again whether what was in flight has arrived.
const LOOK_FOR_ACCOUNT: Duration = Duration::from_millis(200);

/// How often it looks while somebody waits; then the running node continues it by itself.
const LOOKS_MAX: u32 = 50;

/// Replaces the service key, or continues a replacement that was interrupted.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RotateServiceKey {
    /// The node's.
    pub passphrase: SecretText,
}

/// The service key is another one, and the previous one is overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKeyRotated {
    /// The number of the new key.
    pub generation: u32,
    /// Accounts that were re-encrypted.
    pub accounts: u64,
}

impl Operation for RotateServiceKey {
    type Target = Node;
    type Output = ServiceKeyRotated;
    type Error = KeysError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<ServiceKeyRotated, KeysError> {
        let (vault, store) = (&node.mailroom.vault, &node.mailroom.store);
        let _turn = node.rotating();
        let passphrase: &Secret<String> = &self.passphrase.0;
        let generation = if vault.service_generations()?.len() == 1 {
            if !store.quarantined_accounts().is_empty() {
                return Err(KeysError::ProfileDamaged);
            }
            node.gate.check_passphrase(passphrase)?;
            let entry = node.record("service-key", json!({}))?;
            node.done_or_recorded(entry, vault.begin_service_rotation(passphrase))?
        } else {
            vault.begin_service_rotation(passphrase)?
        };
        let total = store.accounts().len() as u64;
        while !node.service_step_with(&mut |left| {
            let done = total.saturating_sub(left);
            progress(Progress { unit: Unit::Accounts, done, total, failed: 0 });
        })? {
            std::thread::sleep(LOOK_FOR_SERVICE);
        }
        Ok(ServiceKeyRotated { generation: generation.into(), accounts: total })
    }
}

impl Node {
    /// Continues a replacement of the service key, which needs nobody's secret once it is begun.
    fn service_step(&self) -> Result<bool, KeysError> {
        self.service_step_with(&mut |_| {})
    }

    /// Re-encrypts what is sealed under the previous service key, and has that destroyed. `false` when something may still be
    /// in flight. `left` is told how many accounts remain.
    fn service_step_with(&self, left: &mut dyn FnMut(u64)) -> Result<bool, KeysError> {
        let vault = &self.mailroom.vault;
        let Some(generation) = vault.service_generations()?.first().copied() else { return Ok(true) };
        self.desk.reseal(generation)?;
        let stale = self.mailroom.store.stale_accounts(generation)?;
        left(stale.len() as u64);
        for account in &stale {
            self.mailroom.store.reseal_account(*account)?;
        }
        vault.reseal_own_files()?;
        if !stale.is_empty() {
            return Ok(false);
        }
        match vault.finish_service_rotation() {
            Err(VaultError::Rotation(RotationError::TooSoon)) => Ok(false),
            finished => Ok(finished.map(|()| true)?),
        }
    }
}

/// Replaces the key that signs the ledger, or continues a replacement that was interrupted.
#[derive(Debug, Serialize, Deserialize)]
pub struct RotateSigningKey {}

/// The ledger is signed by another key; the file `keys` beside it leads from the old one to it, signed by both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SigningKeyRotated {
    pub old: String,
    pub new: String,
    /// The ledger's entry.
    pub entry: u64,
}

impl Operation for RotateSigningKey {
    type Target = Node;
    type Output = SigningKeyRotated;
    type Error = KeysError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<SigningKeyRotated, KeysError> {
        let _turn = node.rotating();
        let old = node.log.verifier();
        let (new, entry) = node.signing_step()?;
        Ok(SigningKeyRotated { old: old.to_string(), new: new.to_string(), entry })
    }
}

impl Node {
    /// The next key is made, the ledger has it, the log changes over, and the old key goes. It needs nobody's secret, and each
    /// step may be repeated. Gives the new key and the entry.
    fn signing_step(&self) -> Result<(ledger::Verifier, u64), KeysError> {
        let vault = &self.mailroom.vault;
        let next = vault.begin_signing_rotation()?;
        let old = self.log.verifier();
        let new = ledger::Verifier::new(old.name(), next.public_key())?;
        let at = self.mailroom.clock.now().rfc3339();
        let statement = ledger::key_change_statement(&old, &new, &at)?;
        let (opening, receipt) = self.desk.record_house(statement)?;
        self.log.change_key(next, &opening, receipt.index)?;
        vault.finish_signing_rotation(&new)?;
        Ok((new, receipt.index))
    }
}

/// Replaces the key to which an account's mail is sealed, by the owner.
#[derive(Debug, Serialize, Deserialize)]
pub struct RotateAccountKey {
    /// Whose.
    pub address: String,
    /// The owner's.
    pub owner: OwnerCredentials,
    /// App passwords, web sessions and recovery codes end, too.
    pub everything: bool,
}

/// Replaces the key to which an account's mail is sealed, by two officers; the owner is notified.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RotateAccountKeyByOfficers {
    pub address: String,
    pub by: TwoConsents,
}

/// An account receives by another key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountKeyRotated {
    /// Whose.
    pub address: String,
    /// The ledger's entry.
    pub entry: u64,
    /// The previous key is destroyed. If not, something was in flight; the node destroys it when that has arrived.
    pub finished: bool,
    /// App passwords, web sessions and earlier recovery codes have ended.
    pub everything: bool,
    /// New ones; they exist in this answer only.
    pub recovery_codes: Vec<SecretText>,
    /// Why the owner could not be notified, when officers did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_not_notified: Option<String>,
}

impl Operation for RotateAccountKey {
    type Target = Node;
    type Output = AccountKeyRotated;
    type Error = OperationError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AccountKeyRotated, OperationError> {
        let Self { address, owner, everything } = self;
        let account = node.account(&address)?;
        let (entry, finished, codes) = node.rotate_account(account, owner, everything)?;
        let recovery_codes = shown_once(codes);
        Ok(AccountKeyRotated { address, entry, finished, everything, recovery_codes, owner_not_notified: None })
    }
}

impl Operation for RotateAccountKeyByOfficers {
    type Target = Node;
    type Output = AccountKeyRotated;
    type Error = OperationError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<AccountKeyRotated, OperationError> {
        let Self { address, by } = self;
        let account = node.account(&address)?;
        let _turn = node.rotating();
        let (_, _, entry) = node.act_of_two(Act::RotateAccount { account }, None, both(by))?;
        let finished = node.finish_rekeying(account)?;
        let notice = "Two officers of your provider have replaced the encryption key of this mailbox because someone may have \
                      obtained it. Your password, app passwords and mail are unchanged. If you think that someone knows \
                      your password, change it.\r\n";
        let told = node.mailroom.notice(account, "The key of your mailbox was replaced", notice);
        let owner_not_notified = told.err().map(|error| error.to_string());
        let (everything, recovery_codes) = (false, Vec::new());
        Ok(AccountKeyRotated { address, entry, finished, everything, recovery_codes, owner_not_notified })
    }
}

impl Node {
    fn rotate_account(
        &self,
        account: AccountId,
        owner: OwnerCredentials,
        everything: bool,
    ) -> Result<(u64, bool, Vec<Secret<String>>), KeysError> {
        let (vault, proof) = (&self.mailroom.vault, owner.proof());
        // A person who cannot show the password, and a code where codes are on, leaves no entry.
        vault.check_owner(account, &proof)?;
        let _turn = self.rotating();
        // The entry names the account by a keyed hash only.
        let hash = vault.service_hash("ledger/account", &account.0)?;
        let entry = self.record("account-key", json!({ "account": Digest(hash) }))?;
        let begun = vault.begin_account_rotation(account, &proof, everything);
        let (_, codes) = self.done_or_recorded(entry, begun)?;
        Ok((entry, self.finish_rekeying(account)?, codes))
    }

    /// Seals an account's epochs to its new public key and has the old key destroyed. `false` when something is still in
    /// flight: the running node continues it.
    fn finish_rekeying(&self, account: AccountId) -> Result<bool, KeysError> {
        for _ in 0..LOOKS_MAX {
            if self.rekey(account)? {
                return Ok(true);
            }
            std::thread::sleep(LOOK_FOR_ACCOUNT);
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

/// What the node does by itself.
impl Node {
    /// Looks after the keys: to be called when the rooms are open, and each half minute. What does not work is noted, and
    /// tried again.
    pub fn look_after_keys(&self) {
        if let Err(error) = self.mailroom.vault.destroy_day_keys(self.config.vault.key_window_days) {
            self.host.note(Note::DayKeysStay(error.to_string()));
        }
        self.finish_closings();
        // An operation that replaces a key continues it itself.
        let _turn = match self.rotating.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Ok(standing) = self.mailroom.vault.rotations() else { return };
        if standing.service
            && let Err(error) = self.service_step()
        {
            self.host.note(Note::RotationStands("service key", error.to_string()));
        }
        // Also where the log has changed over and the vault has not.
        let changed = standing.signing.then(|| match self.log.verifier() {
            now if now == self.mailroom.vault.log_verifier() => self.signing_step().map(drop),
            now => Ok(self.mailroom.vault.finish_signing_rotation(&now)?),
        });
        if let Some(Err(error)) = changed {
            self.host.note(Note::RotationStands("signing key", error.to_string()));
        }
        for account in standing.resumable {
            match self.rekey(account) {
                Ok(_) | Err(StoreError::NoSuchAccount) => {}
                Err(error) => self.host.note(Note::RotationStands("key of an account", error.to_string())),
            }
        }
    }

    /// Holds the running node back from continuing what is done here.
    fn rotating(&self) -> std::sync::MutexGuard<'_, ()> {
        self.rotating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every account receive by the public key that the vault has of it: after an interruption between the two, or when
    /// earlier rows were put back. To be called before mail comes.
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
