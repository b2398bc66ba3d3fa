//! What is copied all the time, between two backups: the ledger, the desk's files, and which accounts were closed. So a node
//! that is restored from last night's backup holds what was held this morning, and closes what was closed.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use durable::{Files, Visibility};
use store::Store;
use terms::AccountId;
use vault::Vault;

use super::place::{Place, said};
use super::take::{below, is_same, lineage, walk, walk_at};
use crate::backup_error::BackupError;
use crate::node::Node;

/// What the list of closed accounts is sealed in.
const CLOSED: &str = "backup/closed";

/// Copies what has changed to every place that the configuration names. What is copied is durable when it returns.
///
/// # Errors
/// The first place's error; the others are tried all the same.
pub fn follow(node: &Node) -> Result<(), BackupError> {
    let mut outcome = Ok(());
    if node.config.backup_place.is_empty() {
        return outcome;
    }
    let through = node.host.places().map_err(said(&node.config.backup_place[0].path))?;
    for place in &node.config.backup_place {
        let followed = lineage(node).and_then(|name| {
            let place = Place::new(through.disk(&node.disk), place.path.join(name));
            place.create()?;
            copy(node, &place, &*through.files())
        });
        outcome = outcome.and(followed);
    }
    outcome
}

fn copy(node: &Node, place: &Place, files: &dyn Files) -> Result<(), BackupError> {
    let live = place.dir.join("live");
    let changed = Cell::new(false);
    let put = |path: &Path, bytes: &[u8]| -> Result<(), BackupError> {
        if is_same(files, &*place.disk, path, bytes) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            place.disk.create_dir_all(parent).map_err(said(parent))?;
        }
        changed.set(true);
        Ok(place.disk.write_atomic(path, bytes, Visibility::Private).map_err(said(path))?)
    };
    // The desk first: no copied case mentions an entry that the copied ledger does not have.
    let source = node.dir.join("desk");
    let desk = node.desk.at_rest(|| {
        let read = |path: std::path::PathBuf| {
            let bytes = node.disk.read(&path).map_err(said(&path))?;
            Ok((path, bytes))
        };
        let packages = source.join("packages");
        walk(&source)?
            .into_iter()
            .filter(|path| !path.starts_with(&packages))
            .map(read)
            .collect::<Result<Vec<_>, BackupError>>()
    })?;
    let mut kept = BTreeSet::new();
    for (path, bytes) in desk {
        let name = below(&source, &path)?;
        let target = live.join("desk").join(name);
        put(&target, &bytes)?;
        kept.insert(target);
    }
    let of_log = node.log.files()?;
    let (ledger, of_node) = (live.join("ledger"), node.dir.join("ledger"));
    for name in &of_log.fixed {
        let target = ledger.join(name);
        if !place.disk.exists(&target) {
            let path = of_node.join(name);
            put(&target, &node.disk.read(&path).map_err(said(&path))?)?;
        }
    }
    for (name, bytes) in &of_log.changing {
        put(&ledger.join(name), bytes)?;
    }
    let path = live.join("closed");
    let known = place.disk.read(&path).ok().and_then(|sealed| node.mailroom.vault.service_open(CLOSED, &sealed).ok());
    let closed = closed_now(&node.mailroom.store, known.as_deref().unwrap_or_default());
    if known.as_deref() != Some(&closed) {
        put(&path, &node.mailroom.vault.service_seal(CLOSED, &closed)?)?;
    }
    if changed.get() {
        let at = node.mailroom.clock.now().0.to_string();
        put(&live.join("at"), at.as_bytes())?;
    }
    // What the desk has erased is erased here.
    for path in walk_at(files, &live.join("desk"))?.into_iter().filter(|path| !kept.contains(path)) {
        place.disk.shred(&path).map_err(said(&path))?;
    }
    Ok(())
}

/// When something was copied last, in milliseconds since 1970; `None` when nothing was.
pub(super) fn at(place: &Place) -> Option<i64> {
    let text = place.disk.read(&place.dir.join("live").join("at")).ok()?;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

/// The accounts that are closed now, as bytes. Of one whose profile does not open the list keeps what it said.
fn closed_now(store: &Store, known: &[u8]) -> Vec<u8> {
    let accounts = store.accounts().into_iter().map(|account| account.id);
    let mut closed: Vec<AccountId> = accounts.filter(|id| store.is_closed(*id).unwrap_or(false)).collect();
    let quarantined = store.quarantined_accounts();
    closed.extend(ids(known).filter(|id| quarantined.contains(id)));
    closed.into_iter().flat_map(|id| id.0).collect()
}

/// The accounts of such a list.
fn ids(bytes: &[u8]) -> impl Iterator<Item = AccountId> + '_ {
    bytes.as_chunks::<16>().0.iter().map(|id| AccountId(*id))
}

/// The accounts that were closed when that was copied last; none when nothing was.
///
/// # Errors
/// The list does not open: it was changed, or these keys are older than a replacement of the service key.
pub(super) fn closed(place: &Place, vault: &Vault) -> Result<Vec<AccountId>, BackupError> {
    let path = place.dir.join("live").join("closed");
    if !place.disk.exists(&path) {
        return Ok(Vec::new());
    }
    let sealed = place.disk.read(&path).map_err(|error| BackupError::ClosedList(error.to_string()))?;
    let plain = vault.service_open(CLOSED, &sealed).map_err(|error| BackupError::ClosedList(error.to_string()))?;
    Ok(ids(&plain).collect())
}
