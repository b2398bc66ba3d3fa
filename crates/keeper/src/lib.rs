//! The keeper: the person who holds a node's secrets. Everything that opens, joins or signs is here. It runs in the vault's own
//! process ([`process`]), and in the process that talks to a token ([`token`]); a node has the crate `vault`, which asks.
//!
//! Nothing here knows who asks: a request comes in as plain data (`vault::calls`), and what goes out is never a private
//! key, a share or the service key.
//!
//! A folder for each subject, and in it the file that answers the calls of the subject (`impl calls::<subject>::Calls`):
//! `unlock` (a vault that may be locked), `owners`, `officers`, `node` (the service key, the signing key, backups), `files`.
//! The bytes are in `docs/formats/keys.md`.

mod account;
mod crypto;
mod files;
mod keeper;
mod node;
mod officers;
mod owners;
pub mod process;
mod server;
pub mod token;
mod unlock;

// The stage of the tests in tests/it, for those that need to look behind the public calls.
#[cfg(test)]
pub(crate) use crate as home;
#[cfg(test)]
#[path = "../tests/it/desk.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with tests/it, which uses all of it")]
mod desk;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod shredded;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod thief;

use std::path::PathBuf;
use std::sync::Arc;

use durable::Disk;
use terms::{Clock, Entropy};
use vault::VaultGate;

use crate::keeper::Place;
use crate::server::VaultServer;

/// A locked vault in `dir`, in this process: for tests, and for nothing that holds mail.
pub fn here(disk: Arc<dyn Disk>, dir: PathBuf, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> VaultGate {
    let server = VaultServer::new(Place { disk, dir, clock: clock.clone(), entropy });
    vault::inside::gate(Arc::new(server), clock)
}

/// The keeper of a vault in this process, for tests that look behind the calls.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
pub(crate) fn keeper_of(vault: &vault::Vault) -> Arc<keeper::Keeper> {
    use vault::calls::Server as _;
    let backend: Arc<dyn std::any::Any + Send + Sync> = vault::inside::backend(vault).unwrap();
    backend.downcast::<VaultServer>().unwrap().keeper().unwrap()
}
