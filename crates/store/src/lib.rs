//! Sealed mail of one jurisdiction: packs, rows, columns and a log of changes.
//!
//! * [`Store`] is what the rooms above hold. Every call blocks, from any thread.
//! * Bytes are in packs (`pack/`), rows in SQLite (`rows/`); one thread writes both (`commit.rs`, with the contract).
//! * An account in memory is `state.rs`; what changes it is in `change.rs`, decided in `decide.rs` and done in
//!   `apply.rs`, there and when it is replayed. Logs fold into snapshots (`fold.rs`, `folder.rs`).
//! * How much an account may have is `quota.rs`; what its owner deleted and may have back, `bin.rs` and `undelete.rs`;
//!   a copy of the whole while it goes on, `backup.rs`; how space comes back, `compact/`.
//! * A session holds a [`MailboxView`]. Parts open for a `SignedIn` or a `Clearance` only (`reading.rs`).
//!
//! What must stay absent: a way to open stored mail with the service key; plaintext of a message, an address or a name in
//! any file; a write that does not go through the commit thread (but for what is derived, `derived.rs`); anything of a hold that an owner could notice. The
//! octets are in `docs/formats/store.md`.

mod accounts;
mod apply;
mod backup;
mod bin;
mod blocks;
mod bytes;
mod cases;
mod change;
mod commit;
mod compact;
mod damage;
mod decide;
mod derived;
mod engine;
mod epochs;
mod error;
mod flags;
mod fold;
mod folder;
mod mailboxes;
mod messages;
mod name;
mod numbers;
mod pack;
mod queue;
mod quota;
mod reading;
mod rekey;
mod reseal;
mod rows;
mod scribe;
mod state;
mod store;
mod survey;
mod undelete;
mod verify;
mod view;
mod watch;

pub use accounts::AccountRecord;
pub use backup::{Backup, BackupSegment, RowRestorer, profile_in};
pub use cases::{Place, ScopedMessage};
pub use compact::{Compacted, CompactionPlan, PackStatus};
pub use damage::{Damage, DamageKind, SeenAt};
pub use derived::DerivedFile;
pub use engine::Health;
pub use error::StoreError;
pub use flags::{FlagChange, FlagSet};
pub use messages::{Appended, Expunged, Flagged, Incoming, Transferred};
pub use name::{INBOX, NAME_BYTES_MAX, SEPARATOR};
pub use numbers::UidSet;
pub use quota::{Limit, Limits, Policy, Usage};
pub use reading::Opener;
pub use rekey::Rekeyed;
pub use state::SpecialUse;
pub use store::{Settings, Store};
pub use undelete::{DeletedMessage, Restored};
pub use verify::Report;
pub use view::{Changes, Entry, MailboxInfo, MailboxView};
pub use watch::{Watch, Watching};

/// The longest part of a message that is stored, in bytes: 1 GiB. IMAP counts in 32 bits, and memory holds a part whole
/// while it is sealed; the doors allow far less.
pub const PART_BYTES_MAX: usize = 1 << 30;
