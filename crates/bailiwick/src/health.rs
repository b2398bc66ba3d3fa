//! What the node's log says of its store: a line when the last write went otherwise than the one before, in both directions.
//! Neither an address nor a word of mail is in it.

use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use store::Health;
use tokio::sync::watch;

use crate::fsck::health_in_words;
use crate::running::Running;

/// How often the store is asked. It costs a lock; a trouble that came and went in less is in nobody's way.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Logs each change of the store's health until `shutdown`.
pub(crate) async fn watch_store(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut before = Health::Fine;
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(LOOK_EVERY) => {
                let Some(node) = running.node() else { continue };
                let now = node.mailroom.store.health();
                if discriminant(&now) != discriminant(&before) {
                    match &now {
                        Health::Fine => tracing::info!("store {}", health_in_words(&now)),
                        _ => tracing::error!("store {}", health_in_words(&now)),
                    }
                }
                before = now;
            }
        }
    }
}
