//! A password that an owner forgot: two officers begin, the owner hears of it and has time, two officers finish.
//!
//! Nothing that opens the account lies about in between: the escrow key is joined when the delay is over, by two officers
//! who agree again. An owner who shows the password or a recovery code has forgotten nothing, and so stops the reset.

use terms::{AccountId, Secret, UnixMillis};
use vault::calls::resets::Calls as _;
use vault::inside::{Decoder, Encoder};
use vault::{Act, ActedBy, Custody, OfficerError, OwnerError, PendingReset, VaultError, calls};

use crate::crypto::PrivateKey;
use crate::files::{damaged, reset_file};
use crate::keeper::{Keeper, not_empty};
use crate::officers::roster::Roster;

/// "Bailiwick vault, password reset", format 1.
const MAGIC: &[u8; 4] = b"BVW\x01";

/// How long a reset may take to be finished once its delay is over: 14 days, like an order.
const LAPSES_MILLIS: i64 = 14 * 86_400_000;

/// The longest delay: 30 days.
const DELAY_MILLIS_MAX: i64 = 30 * 86_400_000;

impl calls::resets::Calls for Keeper {
    fn pending_reset(&self, account: AccountId) -> Result<Option<PendingReset>, VaultError> {
        let file = reset_file(account);
        let Some(sealed) = self.folder.read(&file)? else { return Ok(None) };
        let plain = self.own.open(&file, &sealed).map_err(|_| damaged(&file))?;
        let reset = parse(&plain).ok_or_else(|| damaged(&file))?;
        Ok((self.clock.now() < reset.not_before.plus_millis(LAPSES_MILLIS)).then_some(reset))
    }

    fn stop_reset(&self, account: AccountId) -> Result<(), VaultError> {
        self.folder.remove(&reset_file(account))
    }
}

impl Keeper {
    /// Refuses what cannot be done to an owner's account, before anything is recorded; gives the new password that a reset is
    /// to set.
    pub(crate) fn check_account_act(
        &self,
        act: &Act,
        password: Option<&Secret<String>>,
        by: [&ActedBy; 2],
    ) -> Result<Option<Secret<String>>, VaultError> {
        let account = match act {
            Act::BeginReset { account, .. } | Act::FinishReset { account } | Act::RotateAccount { account } => *account,
            _ => return Ok(None),
        };
        // Anyone who finds paper shares can make officers, and has to wait; an owner's mail is not that close.
        if by.iter().any(|by| matches!(by, ActedBy::PaperShare { .. })) {
            return Err(VaultError::Officer(OfficerError::TwoOfficers));
        }
        if self.account_keys(account)?.custody() == Custody::Owner {
            return Err(VaultError::Owner(OwnerError::OwnerCustody(account)));
        }
        match act {
            Act::BeginReset { delay_millis, .. } if !(0..=DELAY_MILLIS_MAX).contains(delay_millis) => {
                Err(VaultError::Owner(OwnerError::Ends))
            }
            Act::BeginReset { .. } => Ok(None),
            Act::RotateAccount { .. } => self.check_account_rotation(account).map(|()| None),
            _ => {
                self.due_reset(account)?;
                let password = password.ok_or(VaultError::EmptyPassphrase)?;
                not_empty(password)?;
                Ok(Some(password.clone()))
            }
        }
    }

    /// Begins the delay. A reset that is under way starts over. Durable when it returns. Hold `changing`.
    pub(crate) fn begin_reset(
        &self,
        account: AccountId,
        delay_millis: i64,
        without_codes: bool,
    ) -> Result<(), VaultError> {
        let begun = self.clock.now();
        let not_before = begun.plus_millis(delay_millis);
        let plain = Encoder::new(MAGIC).i64(begun.0).i64(not_before.0).u8(u8::from(without_codes)).finish();
        let file = reset_file(account);
        self.folder.write(&file, &self.own.seal(&file, &plain, &*self.entropy))?;
        // The next sign-in by password is to be seen, and stops it.
        self.remembered.forget(account);
        Ok(())
    }

    /// Sets the new password. Web sessions end; app passwords and recovery codes stay valid. Durable when it returns. Hold
    /// `changing`.
    pub(crate) fn finish_reset(
        &self,
        account: AccountId,
        password: &Secret<String>,
        escrow: &PrivateKey,
        roster: &Roster,
    ) -> Result<(), VaultError> {
        let reset = self.due_reset(account)?;
        let mut keys = self.account_keys(account)?;
        let root = self.root_by_officers(&keys, escrow, roster)?;
        keys.private(&root)?;
        keys.set_password(&root, password, self.stretch())?;
        if reset.without_codes {
            keys.set_codes(&root, None, &*self.entropy);
        }
        keys.end_sessions(|_| true);
        keys.forget_ended(self.clock.now());
        let written = self.write_account(account, &keys);
        self.remembered.forget(account);
        written?;
        self.folder.remove(&reset_file(account))
    }

    /// The reset whose delay is over.
    fn due_reset(&self, account: AccountId) -> Result<PendingReset, VaultError> {
        let reset = self.pending_reset(account)?.ok_or(VaultError::Owner(OwnerError::NoReset(account)))?;
        if self.clock.now() < reset.not_before {
            Err(VaultError::Owner(OwnerError::ResetWaits(reset.not_before)))
        } else {
            Ok(reset)
        }
    }

    /// The owner has shown the password or a recovery code: nothing was forgotten.
    pub(crate) fn owner_was_here(&self, account: AccountId) -> Result<(), VaultError> {
        if self.folder.exists(&reset_file(account)) { self.stop_reset(account) } else { Ok(()) }
    }
}

fn parse(plain: &[u8]) -> Option<PendingReset> {
    let mut rest = Decoder::new(MAGIC, plain)?;
    let reset = PendingReset {
        begun: UnixMillis(rest.i64()?),
        not_before: UnixMillis(rest.i64()?),
        without_codes: match rest.u8()? {
            0 => false,
            1 => true,
            _ => return None,
        },
    };
    rest.end()?;
    Some(reset)
}
