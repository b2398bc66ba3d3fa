//! Sealed mail of one jurisdiction: packs, rows, columns and a log of changes.
//!
//! * [`Store`] is what the crates above use. Every call blocks; calls may come from any thread.
//! * The methods are in `calls/`, by subject. Parts open for a `SignedIn` or a `Clearance` only (`calls/opening.rs`).
//! * `engine/` has the threads and what they share; one thread writes (`engine/commit.rs`, with the contract).
//! * An account in memory is `account/`; a session holds a [`MailboxView`] of it.
//! * On disk, bytes are in `pack/`, rows in `rows/` (SQLite), and what is sealed into a row in `encoding/`.
//! * `upkeep/` makes backups, reclaims space and replaces keys; `check/` looks for damage. Both run beside the mail.
//! * `values/` has the plain values that all of them use.
//!
//! What must stay absent: a way to open stored mail with the service key; plaintext of a message, an address or a name in
//! any file; a write that bypasses the commit thread (except index files, `calls/index_files.rs`); any sign of a hold that an owner could notice. The
//! bytes are in `docs/formats/store.md`.

mod account;
mod calls;
mod check;
mod damage;
mod encoding;
mod engine;
mod error;
mod pack;
mod rows;
mod store;
mod upkeep;
mod values;

pub use account::usage::Usage;
pub use account::view::{Changes, MailboxInfo, MailboxView, MessageEntry};
pub use calls::cases::{MailboxPlace, ScopedMessage};
pub use calls::deleted::{DeletedMessage, Restored};
pub use calls::index_files::DerivedFile;
pub use calls::messages::{Appended, Expunged, Flagged, Incoming, PART_BYTES_MAX, Transferred};
pub use calls::opening::Opener;
pub use check::verify::Report;
pub use damage::{Damage, DamageKind, SeenAt};
pub use engine::accounts::AccountRecord;
pub use engine::dead_space::PackStatus;
pub use engine::settings::Settings;
pub use engine::state::Health;
pub use engine::watch::{Watch, Watching};
pub use error::StoreError;
pub use store::Store;
pub use upkeep::backup::{Backup, BackupSegment, RowRestorer, profile_in};
pub use upkeep::compaction::{Compacted, CompactionPlan};
pub use upkeep::rekey::Rekeyed;
pub use values::flags::{FlagChange, FlagSet};
pub use values::name::{INBOX, NAME_BYTES_MAX, SEPARATOR};
pub use values::quota::{Limit, Limits, Policy};
pub use values::special_use::SpecialUse;
pub use values::uid_set::UidSet;
