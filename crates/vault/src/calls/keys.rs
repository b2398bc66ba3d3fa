//! Calls for the end and the replacement of keys: closing, backups, rotation.

use terms::{AccountId, CaseId, EpochId, Secret};

use super::Call;
use crate::VaultError;
use crate::epoch::SealedEpochKey;
use crate::keeper::closing::HeldByCase;
use crate::keeper::periods::KeyBackup;
use crate::keeper::sessions::SessionId;
use crate::strongroom::Strongroom;
use crate::wire::{Octets, wire_struct};

/// Close the account of a session.
pub(crate) struct CloseAccount {
    pub(crate) session: SessionId,
    pub(crate) held: Vec<HeldByCase>,
    pub(crate) epochs: Vec<(EpochId, SealedEpochKey)>,
}
wire_struct!(CloseAccount { session, held, epochs });

impl Call for CloseAccount {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.close_account(self.session, &self.held, &self.epochs)
    }
}

/// Note that the owner of a session is closing the account.
pub(crate) struct BeginClosing {
    pub(crate) session: SessionId,
    pub(crate) held: Vec<HeldByCase>,
    pub(crate) epochs: Vec<(EpochId, SealedEpochKey)>,
}
wire_struct!(BeginClosing { session, held, epochs });

impl Call for BeginClosing {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.begin_closing(self.session, &self.held, &self.epochs)
    }
}

/// Whose closing is not done?
pub(crate) struct Closings {}
wire_struct!(Closings {});

impl Call for Closings {
    type Answer = Vec<AccountId>;

    fn serve(self, room: &Strongroom) -> Result<Vec<AccountId>, VaultError> {
        room.keeper()?.closings()
    }
}

/// End the keys of an account whose closing was begun.
pub(crate) struct FinishClosing {
    pub(crate) account: AccountId,
    pub(crate) held: Vec<HeldByCase>,
}
wire_struct!(FinishClosing { account, held });

impl Call for FinishClosing {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.finish_closing(self.account, &self.held)
    }
}

/// Overwrite what a case holds of closed accounts.
pub(crate) struct ForgetHeld {
    pub(crate) case: CaseId,
}
wire_struct!(ForgetHeld { case });

impl Call for ForgetHeld {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.forget_held(self.case)
    }
}

/// Back up the keys.
pub(crate) struct BackUp {}
wire_struct!(BackUp {});

impl Call for BackUp {
    type Answer = KeyBackup;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<KeyBackup, VaultError> {
        room.keeper()?.back_up_keys()
    }
}

/// Overwrite the keys of backups that are older than the window.
pub(crate) struct DestroyPeriods {
    pub(crate) window_days: u32,
}
wire_struct!(DestroyPeriods { window_days });

impl Call for DestroyPeriods {
    type Answer = Vec<u32>;

    fn serve(self, room: &Strongroom) -> Result<Vec<u32>, VaultError> {
        room.keeper()?.destroy_periods(self.window_days)
    }
}

/// Write a vault's folder from a backup.
pub(crate) struct Restore {
    pub(crate) backup: KeyBackup,
    pub(crate) passphrase: Secret<String>,
}
wire_struct!(Restore { backup, passphrase });

impl Call for Restore {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.restore(&self.backup, &self.passphrase)
    }
}

/// The numbers of the service keys.
pub(crate) struct Generations {}
wire_struct!(Generations {});

impl Call for Generations {
    type Answer = Vec<u8>;

    fn serve(self, room: &Strongroom) -> Result<Vec<u8>, VaultError> {
        Ok(room.keeper()?.service_generations())
    }
}

/// Make a new service key.
pub(crate) struct BeginService {
    pub(crate) passphrase: Secret<String>,
}
wire_struct!(BeginService { passphrase });

impl Call for BeginService {
    type Answer = u8;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<u8, VaultError> {
        room.keeper()?.begin_service_rotation(&self.passphrase)
    }
}

/// Seal the node's keys by another passphrase.
pub(crate) struct ChangePassphrase {
    pub(crate) old: Secret<String>,
    pub(crate) new: Secret<String>,
}
wire_struct!(ChangePassphrase { old, new });

impl Call for ChangePassphrase {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.change_node_passphrase(&self.old, &self.new)
    }
}

/// Seal the vault's own files under the new service key.
pub(crate) struct ResealOwn {}
wire_struct!(ResealOwn {});

impl Call for ResealOwn {
    type Answer = u64;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<u64, VaultError> {
        room.keeper()?.reseal_own_files()
    }
}

/// Overwrite the old service key.
pub(crate) struct FinishService {}
wire_struct!(FinishService {});

impl Call for FinishService {
    type Answer = ();
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<(), VaultError> {
        room.keeper()?.finish_service_rotation()
    }
}

/// Keyed hashes under every service key.
pub(crate) struct Hashes {
    pub(crate) context: String,
    pub(crate) data: Octets,
}
wire_struct!(Hashes { context, data });

impl Call for Hashes {
    type Answer = Vec<[u8; 32]>;

    fn serve(self, room: &Strongroom) -> Result<Vec<[u8; 32]>, VaultError> {
        Ok(room.keeper()?.service_hashes(&self.context, &self.data.0))
    }
}
