//! What a running node does by itself.

use std::sync::Arc;
use std::time::Duration;

use mailroom::lanes::Sharer;
use store::Compacted;
use terms::Entropy;
use tokio::sync::watch;

use super::running::Running;

/// Has work of the node's own done in its lane. `None` after a panic, and when the lane is full.
async fn upkeep<T: Send + 'static>(running: &Running, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    running.mail.lanes().upkeep.run(Sharer::Node, (), |()| work()).ok()?.await.ok()
}

/// Adds empty ledger entries at random moments of a fixed mean rate, one to eight together as a case does, so that the
/// number of real ones cannot be read off.
pub(super) async fn keep_cadence(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mean = Duration::from_secs(60 * running.handle.closed.config.ledger_dummy_minutes.max(1));
    loop {
        let (wait, count) = next_dummies(mean, &vault::SystemEntropy);
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {
                // A locked node signs nothing, and nothing happens there that could be counted.
                let Some(node) = running.node().cloned() else { continue };
                let added = upkeep(&running, move || {
                    node.desk.forget_lapsed()?;
                    (0..count).try_for_each(|_| node.desk.record_dummy())
                })
                .await;
                if !matches!(added, Some(Ok(()))) {
                    tracing::error!("the ledger took no entry; cases cannot proceed until it does");
                }
            }
        }
    }
}

/// When the next empty entries come and how many: a Poisson process of the given mean, since its waiting times do not tell
/// what came between them.
fn next_dummies(mean: Duration, entropy: &dyn Entropy) -> (Duration, u32) {
    let mut bytes = [0; 5];
    entropy.fill(&mut bytes);
    let unit = (f64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) + 1.0) / 4_294_967_296.0;
    (mean.mul_f64(-unit.ln()), u32::from(bytes[4] % 8) + 1)
}

/// How often sign-ins that are over their time are forgotten. Between the end of a sign-in's time and this the owner's key
/// is still in memory.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Forgets remembered sign-ins whose time is over, also on a node where nobody signs in any more, and looks after the keys.
pub(super) async fn forget_sign_ins(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(FORGET_EVERY) => {
                let Some(node) = running.node().cloned() else { continue };
                let _ = upkeep(&running, move || {
                    node.mailroom.vault.forget_stale_sign_ins();
                    node.look_after_keys();
                })
                .await;
            }
        }
    }
}

/// How often it is looked for what keeps a copy of mail and is not used: what is not used from one look to the next goes.
const WIPE_EVERY: Duration = Duration::from_millis(500);

/// Drops what keeps a copy of mail that was read or delivered, also on a node where nothing happens any more.
pub(super) async fn wipe_unused(mut shutdown: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(WIPE_EVERY) => mailroom::forget_unused(),
        }
    }
}

/// How often memory that nobody uses is returned to the system.
const TRIM_EVERY: Duration = Duration::from_secs(10);

/// More than the allocator keeps for later: to free it makes the allocator look for what it has held back for a second or longer.
const TRIM_BYTES: usize = 8 << 20;

/// Gives unused memory back, also on a node where nothing happens any more: the allocator (mimalloc) returns what was freed when the
/// next large block is freed, and after a load there is none.
pub(super) async fn trim_memory(mut shutdown: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            // The block is never written to, so it takes no memory.
            () = tokio::time::sleep(TRIM_EVERY) => drop(std::hint::black_box(Vec::<u8>::with_capacity(TRIM_BYTES))),
        }
    }
}

/// How often deleted mail whose days are over is let go.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);

/// Lets go of what owners deleted longer ago than the configuration says; the first time a minute after the start.
pub(super) async fn forget_deleted(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut wait = Duration::from_secs(60);
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EXPIRE_EVERY;
        let Some(node) = running.node().cloned() else { continue };
        let gone = upkeep(&running, move || node.mailroom.store.forget_deleted()).await;
        match gone {
            Some(Ok(messages)) if messages > 0 => tracing::info!(messages, "expired deleted mail is removed"),
            Some(Err(error)) => {
                tracing::error!(%error, "expired deleted mail could not be removed; trying again in an hour")
            }
            _ => {}
        }
    }
}

/// How often the ledger and the desk are copied to the places for backups.
const FOLLOW_EVERY: Duration = Duration::from_secs(60);

/// Copies the ledger and the desk to the places for backups, all the time.
pub(super) async fn follow_for_backups(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    if running.handle.closed.config.backup_place.is_empty() {
        return;
    }
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
        let Some(node) = running.node().cloned() else { continue };
        let followed = upkeep(&running, move || operations::backup::follow(&node)).await;
        if let Some(Err(error)) = followed {
            tracing::error!(%error, "the ledger and the desk could not be copied to the places for backups");
        }
    }
}

/// The first pass comes after what a start brings: sign-ins, the folding of what arrived meanwhile.
const COMPACT_FIRST: Duration = Duration::from_secs(300);

/// A pass over accounts that are in memory takes about a millisecond for 20,000 messages.
const COMPACT_EVERY: Duration = Duration::from_secs(3600);

/// Runs a pass each hour until `shutdown`.
pub(super) async fn reclaim_space(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut wait = COMPACT_FIRST;
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = COMPACT_EVERY;
        let Some(node) = running.node().cloned() else { continue };
        let stopping = shutdown.clone();
        let passed = upkeep(&running, move || {
            let plan = node.config.store.plan();
            node.mailroom.store.compact(&plan, &mut |_, _| !*stopping.borrow())
        });
        match passed.await {
            Some(Ok(done)) if done.segments > 0 => {
                let Compacted { segments, bytes_emptied, bytes_rewritten } = done;
                tracing::info!(segments, bytes_emptied, bytes_rewritten, "disk space of deleted mail reclaimed");
            }
            Some(Err(error)) => {
                tracing::error!(%error, "disk space of deleted mail could not be reclaimed; trying again in an hour");
            }
            _ => {}
        }
    }
}
