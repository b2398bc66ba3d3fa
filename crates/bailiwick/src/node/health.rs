//! Tells the operator once that the store cannot write, and once that it can again. The doors refuse every message
//! meanwhile: a line for each of them would fill the very disk that is full.

use std::sync::Arc;
use std::time::Duration;

use operations::status::StoreHealth;
use store::Health;
use tokio::sync::watch;

use super::running::Running;

/// How often the store is asked. It is a look at memory.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many looks in a row must find it well before a trouble is said to be over. A disk with little room takes small
/// writes between large ones that it refuses, and the operator wants one line of that, not one for each.
const STEADY_LOOKS: u32 = 20;

/// Looks at the store's health for as long as the node runs, and logs when it changes.
pub(super) async fn watch_store(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut said = Said::default();
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(node) = running.node() else { continue };
        if let Some(health) = said.news(node.mailroom.store.health()) {
            let words = StoreHealth::from(&health);
            match &health {
                Health::Fine => tracing::info!("the store is {words} again"),
                _ => tracing::error!("the store is {words}"),
            }
        }
    }
}

/// What the operator was told last.
#[derive(Default)]
struct Said {
    last: Health,
    /// For how many looks it has been well since.
    well: u32,
}

impl Said {
    /// What the operator does not know yet. The words of one failing write after another may differ; it is one trouble.
    fn news(&mut self, health: Health) -> Option<Health> {
        self.well = if health == Health::Fine { self.well.saturating_add(1) } else { 0 };
        let same = std::mem::discriminant(&self.last) == std::mem::discriminant(&health);
        if same || (health == Health::Fine && self.well < STEADY_LOOKS) {
            return None;
        }
        self.last = health.clone();
        Some(health)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_news_once_and_its_end_when_it_lasts() {
        let failing = |words: &str| Health::Failing(words.to_owned());
        let mut said = Said::default();
        assert_eq!(said.news(Health::Fine), None);
        assert_eq!(said.news(Health::DiskFull), Some(Health::DiskFull));
        for _ in 0..STEADY_LOOKS {
            assert_eq!(said.news(Health::Fine), None);
            assert_eq!(said.news(Health::DiskFull), None);
        }
        assert_eq!(said.news(failing("a")), Some(failing("a")));
        assert_eq!(said.news(failing("b")), None);
        for _ in 1..STEADY_LOOKS {
            assert_eq!(said.news(Health::Fine), None);
        }
        assert_eq!(said.news(Health::Fine), Some(Health::Fine));
        assert_eq!(said.news(Health::Fine), None);
    }
}
