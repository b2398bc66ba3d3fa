//! What operators, owners, officers and counsel may do at a node: every act as a typed request, a typed result and a typed
//! error. Command line, control socket and pages only present them.
//!
//! # A new operation
//!
//! Four places, and nothing else:
//!
//! 1. `crates/operations/src/<subject>.rs`: the request (a struct), its result (a struct), and `impl Operation for` the
//!    request, with what it does. Both are `Serialize + Deserialize`; a secret is a
//!    [`SecretText`](operation::SecretText). What can go wrong is a variant of the subject's error enum; errors of the rooms
//!    below come in with `?`. What two people agree to, or what changes a key, is recorded in the ledger before it has effect
//!    (`Node::record`, `Node::act_of_two`).
//! 2. `crates/operations/src/table.rs`: one word in the table, which says when it works: `even_locked`, `unlocked`, `copied`
//!    or `desk`.
//! 3. `crates/bailiwick/src/cli/<subject>.rs`: its arguments, and the call of `ask_and_print`. Secrets are asked for, never
//!    arguments.
//! 4. `crates/bailiwick/src/cli/show/<subject>.rs`: the text that people read of its result. `--json` prints the result
//!    itself.
//!
//! # A new setting
//!
//! 1. A field of [`Config`](config::Config) or of one of its sections, with what it means, its unit last in its name, and
//!    `#[serde(default = …)]` with where the default comes from; [`Config::new`](config::Config::new) sets it.
//! 2. If some values are impossible: a line in `check`, which names the setting.
//! 3. Where it takes effect, it is passed as an argument (`crates/operations/src/node.rs` opens the rooms,
//!    `crates/bailiwick/src/node/doors.rs` the doors).
//! 4. The page in `docs/` about its subject, and a fragment in `changes/`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may"))]

pub mod accounts;
pub mod backup;
pub mod backup_error;
pub mod cases;
pub mod closing;
pub mod compaction;
pub mod config;
pub mod counsel;
pub mod error;
pub mod found;
pub mod fsck;
pub mod fsck_error;
pub mod handle;
pub mod key_holders;
pub mod keys;
pub mod law;
pub mod law_files;
pub mod mailboxes;
pub mod node;
mod note;
pub mod officers;
pub mod operation;
pub mod parent;
pub mod passphrase;
pub mod places;
mod reach;
pub mod reset;
pub mod rotation;
pub mod secrets;
pub mod status;
pub mod table;
pub mod token;
pub mod transfer;
pub mod unlock;
pub mod unlocking;
pub mod verify;
