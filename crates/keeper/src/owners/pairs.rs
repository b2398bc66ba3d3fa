//! Replacing an account's pair. What arrives is sealed to the new key at once; both keys open, until the sealed key of
//! every epoch is sealed to the new one; then the old private key leaves the account's file, which is overwritten.
//!
//! The vault does not know which epochs there are: the store shows them, is given them resealed, writes them, and shows
//! what it has at the end. The old key goes only when everything that is shown was seen here to open with the new one.
//!
//! An interruption costs only time: the file says that two keys open, a file beside it that there is work to
//! resume, and whichever sign-in comes next brings the private keys.

use std::sync::{Arc, PoisonError};

use terms::{AccountId, EpochId};
use vault::inside::seal_epoch;
use vault::{
    AccountPublicKey, Custody, MailError, OrderError, OwnerError, OwnerProof, RotationError, Rotations, SealedEpochKey,
    SessionId, VaultError, calls,
};

use crate::account::AccountKeys;
use crate::account::root::Root;
use crate::crypto::{Key32, PrivateKey};
use crate::files::{ROTATING, rotating_file};
use crate::keeper::Keeper;
use crate::officers::roster::Roster;
use crate::owners::epochs::{open_epoch, open_epoch_by};
use crate::owners::ring::{Found, Mark, OpenEpoch, Ring};
use crate::owners::secrets::Shown;
use crate::owners::sessions::{PrivateKeys, Session};

/// "Bailiwick vault rotation", format 1: all that such a file says.
const MAGIC: &[u8; 4] = b"BVT\x01";

/// So many epochs are worth a thread: each takes some 200 microseconds.
const EPOCHS_BY_THREAD: usize = 16;

impl calls::pairs::Calls for Keeper {
    fn begin_account_rotation(
        &self,
        account: AccountId,
        proof: &OwnerProof,
        everything: bool,
    ) -> Result<(AccountPublicKey, Shown), VaultError> {
        let mut private_keys = None;
        let begun = self.as_owner(account, proof, |keys, root| {
            self.note_rotation(account)?;
            let had_codes = keys.recovery_codes_left() > 0 || keys.custody() == Custody::Owner;
            let renewed = match everything {
                true => Some(keys.renew_root(root, &proof.password, self.house(), self.stretch())?),
                false => None,
            };
            let root = renewed.as_ref().unwrap_or(root);
            keys.add_pair(root, &*self.entropy);
            private_keys = Some(keys.private_keys(root)?);
            let codes = if everything && had_codes { self.new_codes(keys, root) } else { Vec::new() };
            Ok((AccountPublicKey(keys.public()), codes))
        });
        // After an error the new file may stand. A private key that does not is of no harm.
        if let Some(private_keys) = private_keys {
            self.renew_sessions(account, &Arc::new(private_keys));
        }
        begun
    }

    fn reseal_epochs(
        &self,
        account: AccountId,
        sealed: &[(EpochId, SealedEpochKey)],
    ) -> Result<Vec<(EpochId, SealedEpochKey)>, VaultError> {
        let sweep = self.pair_sweeps.find(account)?;
        let (new, older) = sweep.private_keys.split_first().ok_or(VaultError::Rotation(RotationError::NoRotation))?;
        let to = AccountPublicKey(new.public().map_err(|_| VaultError::Mail(MailError::UnusableKey))?);
        let seen = |(epoch, sealed): &&(EpochId, SealedEpochKey)| {
            let done = sweep.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.get(epoch).is_some_and(|open| open.mark == Mark::of(sealed))
        };
        let work: Vec<&(EpochId, SealedEpochKey)> = sealed.iter().filter(|one| !seen(one)).collect();
        let one = |(epoch, sealed): &(EpochId, SealedEpochKey)| -> Result<Resealed, VaultError> {
            if let Ok(key) = open_epoch(new, account, *epoch, sealed) {
                return Ok((*epoch, Box::new(key), Mark::of(sealed), None));
            }
            let key = Box::new(open_epoch_by(older, account, *epoch, sealed)?);
            let fresh = seal_epoch(&to, account, *epoch, &key, &*self.entropy)?;
            Ok((*epoch, key, Mark::of(&fresh), Some(fresh)))
        };
        let mut out = Vec::new();
        let resealed = in_parts(&work, |work| one(work))?;
        let mut done = sweep.done.lock().unwrap_or_else(PoisonError::into_inner);
        for (epoch, key, mark, fresh) in resealed {
            done.insert(epoch, OpenEpoch { mark, key, shown: true });
            out.extend(fresh.map(|fresh| (epoch, fresh)));
        }
        Ok(out)
    }

    fn finish_account_rotation(
        &self,
        account: AccountId,
        sealed: &[(EpochId, SealedEpochKey)],
    ) -> Result<(), VaultError> {
        let sweep = self.pair_sweeps.find(account)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let done = sweep.done.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |(epoch, sealed): &(EpochId, SealedEpochKey)| {
            done.get(epoch).is_some_and(|open| open.mark == Mark::of(sealed))
        };
        let mut keys = self.account_keys(account)?;
        let new = sweep.private_keys.first().ok_or(VaultError::Rotation(RotationError::NoRotation))?;
        if !sealed.iter().all(fits) || new.public().ok() != Some(keys.public()) {
            return Err(VaultError::Rotation(RotationError::TooSoon));
        }
        if keys.is_rotating() {
            keys.end_rotation();
            self.write_account(account, &keys)?;
        }
        // Nothing is opened by X25519 again because of this. Without a ring it would be, once.
        let _ = Ring::new(&self.folder, account, new).fold(Found::Worn, &[], &done, &*self.entropy);
        let only = PrivateKey::from_bytes(new.expose()).ok_or(VaultError::Mail(MailError::UnusableKey))?;
        drop(done);
        self.renew_sessions(account, &Arc::new(vec![only]));
        self.folder.remove(&rotating_file(account))
    }

    fn rotations(&self) -> Result<Rotations, VaultError> {
        Ok(Rotations {
            service: self.own.generations().len() > 1,
            escrow: self.roster().previous.is_some(),
            signing: self.log_verifiers().len() > 1,
            accounts: self.rotating_accounts()?,
            resumable: self.pair_sweeps.accounts(),
        })
    }
}

/// Beginning.
impl Keeper {
    /// Refuses a replacement by two officers that cannot be, before anything is recorded.
    pub(crate) fn check_account_rotation(&self, account: AccountId) -> Result<(), VaultError> {
        let keys = self.account_keys(account)?;
        match keys.custody() {
            Custody::Owner => Err(VaultError::Owner(OwnerError::OwnerCustody(account))),
            _ => Ok(()),
        }
    }

    /// Makes a new pair for an owner, by two officers. What they may do with it is this alone: no session is opened. Durable
    /// when it returns. Hold `changing`.
    pub(crate) fn rotate_account_by(
        &self,
        account: AccountId,
        escrow: &PrivateKey,
        roster: &Roster,
    ) -> Result<(), VaultError> {
        let mut keys = self.account_keys(account)?;
        let root = self.root_by_officers(&keys, escrow, roster)?;
        self.note_rotation(account)?;
        keys.add_pair(&root, &*self.entropy);
        let private_keys = Arc::new(keys.private_keys(&root)?);
        let written = self.write_account(account, &keys);
        self.renew_sessions(account, &private_keys);
        written
    }

    /// The root, by the escrow key. While that is replaced, the account may still be sealed to the one before.
    pub(crate) fn root_by_officers(
        &self,
        keys: &AccountKeys,
        escrow: &PrivateKey,
        roster: &Roster,
    ) -> Result<Root, VaultError> {
        match (keys.root_by_escrow(escrow), roster.open_previous(escrow)) {
            (Err(VaultError::Order(OrderError::EscrowDoesNotOpen(_))), Some(previous)) => {
                keys.root_by_escrow(&previous)
            }
            (root, _) => root,
        }
    }

    /// Lets the account's open sessions continue with `private_keys`, and a replacement with them if there is one.
    fn renew_sessions(&self, account: AccountId, private_keys: &PrivateKeys) {
        let open = self.sessions.every().into_iter().filter(|session| session.account() == account);
        for session in open.chain(self.remembered.of(account)) {
            session.renew(private_keys.clone());
        }
        if private_keys.len() > 1 {
            self.pair_sweeps.begin(account, private_keys);
        } else {
            self.pair_sweeps.end(account);
        }
    }
}

/// Signing in meanwhile.
impl Keeper {
    /// Opens the session of an owner whose root was reached, and carries a replacement on that was interrupted.
    pub(crate) fn enter(
        &self,
        account: AccountId,
        keys: &AccountKeys,
        root: &Root,
    ) -> Result<(SessionId, Arc<Session>), VaultError> {
        let private_keys = Arc::new(keys.private_keys(root)?);
        let session = Arc::new(Session::new(account, private_keys.clone()));
        let id = self.keep(session.clone());
        if keys.is_rotating() {
            // Also in a folder that a backup brought back, which has no such file. Without it the work goes on all the
            // same, until the vault ends.
            let _ = self.note_rotation(account);
            self.pair_sweeps.begin(account, &private_keys);
        }
        // A pair that was made or destroyed since the file was read did not find this session.
        let now = self.account_keys(account)?;
        if !now.publics().eq(keys.publics()) {
            match now.private_keys(root) {
                Ok(private_keys) => self.renew_sessions(account, &Arc::new(private_keys)),
                Err(_) => {
                    self.sessions.take(id);
                    return Err(VaultError::SessionOver);
                }
            }
        }
        Ok((id, session))
    }
}

/// Going on, and the end.
impl Keeper {
    /// Notes that somebody should resume. Durable when it returns.
    fn note_rotation(&self, account: AccountId) -> Result<(), VaultError> {
        let file = rotating_file(account);
        if self.folder.exists(&file) { Ok(()) } else { self.folder.write(&file, MAGIC) }
    }

    /// The account is closed.
    pub(crate) fn forget_rotation(&self, account: AccountId) -> Result<(), VaultError> {
        self.pair_sweeps.end(account);
        self.folder.remove(&rotating_file(account))
    }

    /// Removes the notes of replacements that never began or are done.
    pub(crate) fn forget_finished_rotations(&self) -> Result<(), VaultError> {
        for account in self.rotating_accounts()? {
            match self.account_keys(account) {
                Ok(keys) if keys.is_rotating() => {}
                Ok(_) | Err(VaultError::Owner(OwnerError::NoSuchAccount(_))) => {
                    self.folder.remove(&rotating_file(account))?
                }
                // Somebody looks at it, or the disk gets well.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn rotating_accounts(&self) -> Result<Vec<AccountId>, VaultError> {
        Ok(self.folder.list(ROTATING)?.iter().filter_map(|name| name.parse().ok()).collect())
    }
}

/// An epoch, its key, the mark of its sealed key to be, and that key where it is another.
type Resealed = (EpochId, Box<Key32>, Mark, Option<SealedEpochKey>);

/// Does `one` with each, on as many threads as are worth it; all or nothing.
fn in_parts<T: Sync, R: Send>(
    work: &[T],
    one: impl Fn(&T) -> Result<R, VaultError> + Sync,
) -> Result<Vec<R>, VaultError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(work.len() / EPOCHS_BY_THREAD).max(1);
    if threads == 1 {
        return work.iter().map(one).collect();
    }
    let one = &one;
    std::thread::scope(|scope| {
        let parts = work.chunks(work.len().div_ceil(threads));
        let workers: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|_| vec![Err(VaultError::Busy)])).collect()
    })
}
