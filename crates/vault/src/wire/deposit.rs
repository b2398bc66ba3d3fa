//! Secrets that pass by a process which must not see them. What a person types at the command line reaches the node's parent; the parent
//! leaves what was typed with the vault and passes on a name for it, which the node's own process hands back to the vault in place of the
//! secret. In the vault's process a name is replaced when a secret is read from a message; everywhere else it is a text that opens nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use terms::{Entropy, Secret};

/// What a name begins with: a character that nobody types.
const MARK: &str = "\u{1}deposit:";

/// Bytes of a name that nobody guesses.
const NAME_LEN: usize = 16;

/// How long a secret is kept when nobody takes it away: longer than the longest job that reads it again.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// How many secrets are kept: a sitting of nine officers takes nine.
const KEPT_MAX: usize = 256;

static KEPT: Mutex<BTreeMap<String, (Secret<String>, Instant)>> = Mutex::new(BTreeMap::new());

fn kept() -> MutexGuard<'static, BTreeMap<String, (Secret<String>, Instant)>> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|_, (_, since)| since.elapsed() < KEPT_FOR);
    kept
}

/// Keeps a secret; its name. `None` when too many are kept.
pub fn keep(secret: &Secret<String>, entropy: &dyn Entropy) -> Option<String> {
    let mut bytes = [0; NAME_LEN];
    entropy.fill(&mut bytes);
    let name = format!("{MARK}{}", terms::hex(&bytes));
    let mut kept = kept();
    if kept.len() >= KEPT_MAX {
        return None;
    }
    kept.insert(name.clone(), (secret.clone(), Instant::now()));
    Some(name)
}

/// Wipes a secret that was kept.
pub fn forget(name: &str) {
    kept().remove(name);
}

/// What a text stands for: itself, unless it has the form of a name. `None` for a name of nothing.
pub(super) fn found(text: Secret<String>) -> Option<Secret<String>> {
    if !text.expose().starts_with(MARK) {
        return Some(text);
    }
    kept().get(text.expose()).map(|(secret, _)| secret.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn a_name_stands_for_what_was_kept_until_it_is_forgotten() {
        let name = keep(&"what was typed".into(), &SystemEntropy).unwrap();
        assert!(!name.contains("typed"));
        let of = |text: &str| found(text.into()).map(|secret| secret.expose().clone());
        assert_eq!(of(&name).as_deref(), Some("what was typed"));
        assert_eq!(of("a password").as_deref(), Some("a password"));
        assert_eq!(of(&format!("{name}0")), None);
        forget(&name);
        assert_eq!(of(&name), None);
    }
}
