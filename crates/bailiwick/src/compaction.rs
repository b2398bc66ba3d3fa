//! Giving back the space of deleted mail: each hour by itself, and when an operator asks for it (`node compact`).

use std::sync::Arc;
use std::time::Duration;

use doors::control::{Outcome, Progress};
use serde_json::{Value, json};
use store::{Compacted, PackStatus};
use tokio::sync::watch;

use crate::node::Node;
use crate::running::Running;

/// The first pass comes after what a start brings: sign-ins, the folding of what arrived meanwhile.
const FIRST: Duration = Duration::from_secs(300);

/// A pass over accounts that are in memory takes about a millisecond for 20,000 messages.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs a pass each hour until `shutdown`.
pub(crate) async fn give_back_space(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EVERY;
        let Some(node) = running.node().cloned() else { continue };
        let stopping = shutdown.clone();
        let passed = tokio::task::spawn_blocking(move || {
            let plan = node.config.store.plan();
            node.mailroom.store.compact(&plan, &mut |_, _| !*stopping.borrow())
        });
        match passed.await {
            Ok(Ok(done)) if done.segments > 0 => {
                let Compacted { segments, bytes_emptied, bytes_rewritten } = done;
                tracing::info!(segments, bytes_emptied, bytes_rewritten, "space of deleted mail comes back");
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "space of deleted mail does not come back; it is tried again in an hour");
            }
            _ => {}
        }
    }
}

impl Node {
    /// One pass now.
    pub(crate) fn compact(&self, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
        let done = self.mailroom.store.compact(&self.config.store.plan(), &mut |bytes, total| {
            progress(Progress { done: bytes >> 20, total: total >> 20, bytes, ..Progress::default() });
            true
        });
        let done = done.map_err(|error| error.to_string())?;
        let packs = self.mailroom.store.pack_status();
        let mut text = format!(
            "{} segments emptied, {} MB; {} MB of that written anew",
            done.segments,
            done.bytes_emptied / 1_000_000,
            done.bytes_rewritten / 1_000_000
        );
        if packs.waiting_bytes > 0 {
            text.push_str("\nWhat is still read comes back within a minute after the last reader is done.");
        }
        let data = json!({
            "segments": done.segments, "bytes_emptied": done.bytes_emptied, "bytes_rewritten": done.bytes_rewritten,
            "packs": as_data(&packs),
        });
        Ok(Outcome { text, data })
    }
}

/// The packs, for an operator.
pub(crate) fn in_words(packs: &PackStatus) -> String {
    let mb = |bytes: u64| bytes / 1_000_000;
    let Some(looked) = packs.looked else {
        return "packs not looked at since the start (the first time after five minutes, or by `node compact`)"
            .to_owned();
    };
    let mut text = format!(
        "packs {} MB in {} segments, {} MB of deleted mail, at {looked}; {} MB given back since the start",
        mb(packs.bytes),
        packs.segments,
        mb(packs.dead_bytes),
        mb(packs.freed_bytes)
    );
    if packs.waiting_bytes > 0 {
        text.push_str(&format!("; {} MB wait for their last reader", mb(packs.waiting_bytes)));
    }
    if !packs.damaged.is_empty() {
        let damaged: Vec<String> = packs.damaged.iter().map(ToString::to_string).collect();
        text.push_str(&format!("\nsegments with a damaged record, which stay: {}; run fsck", damaged.join(", ")));
    }
    text
}

/// The same for a script.
pub(crate) fn as_data(packs: &PackStatus) -> Value {
    json!({
        "looked": packs.looked, "segments": packs.segments, "bytes": packs.bytes, "dead_bytes": packs.dead_bytes,
        "waiting_bytes": packs.waiting_bytes, "freed_bytes": packs.freed_bytes, "damaged": packs.damaged,
    })
}
