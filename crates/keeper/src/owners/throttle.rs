//! Slowing guesses down: how many failed sign-ins an account and a network may have. Pure; the time is an argument.
//!
//! What it must not become is a way to lock an owner out. So there are three counts, and an attempt asks one or two:
//!
//! * from a network where the owner signed in during the last days, a count of that owner and network alone;
//! * from elsewhere, the account's count of strangers, and the network's.
//!
//! A stranger's failures use up the strangers' count and leave the owner's own alone. What cannot be guessed (app
//! passwords, SCRAM, web sessions, a sign-in that is still remembered) asks no count at all. A name that is nobody's is
//! counted like an account, so that being slowed down tells nothing.

use std::collections::HashMap;
use std::hash::Hash;

use terms::UnixMillis;
use vault::Network;

/// An allowance: so many failures at once, and one more each interval.
struct Allowance {
    burst: i64,
    interval_millis: i64,
}

/// Strangers at one account: 10 at once, then one each 6 minutes, 240 a day. NIST SP 800-63B-4 section 3.2.2 has 100 in a
/// row as the most; a password of the weakest thousand that people choose lasts four days, one of a random million
/// eleven years.
const STRANGERS: Allowance = Allowance { burst: 10, interval_millis: 6 * 60_000 };

/// An owner at a network where the owner signed in before: 20 at once, then one each minute. Anyone who is there may share
/// the owner's household or office, so there is a count.
const FAMILIAR: Allowance = Allowance { burst: 20, interval_millis: 60_000 };

/// A network at all accounts: 30 at once, then one each minute. Trying one common password on many accounts is slow from
/// there, and an office behind one address may mistype.
const NETWORK: Allowance = Allowance { burst: 30, interval_millis: 60_000 };

/// Entries of each table. At about 64 bytes an entry this is some megabytes; a botnet that fills it makes the oldest
/// counts go first.
const ENTRIES_MAX: usize = 32_768;

/// Whose account is tried: the account, or a keyed hash of a name that is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Target(pub(crate) [u8; 16]);

/// The counts.
#[derive(Default)]
pub(crate) struct Throttle {
    strangers: Counts<Target>,
    familiar: Counts<(Target, Network)>,
    networks: Counts<Network>,
}

/// An attempt that was let through. It counts as failed until [`succeeded`](Throttle::succeeded) takes it back, so that
/// many at once are counted too.
#[derive(Clone, Copy)]
pub(crate) struct Admitted {
    target: Target,
    network: Network,
    familiar: bool,
}

impl Throttle {
    /// Lets an attempt through, or says in how many milliseconds one may be made again. `familiar`: the owner signed in
    /// from this network during the last days.
    pub(crate) fn admit(
        &mut self,
        target: Target,
        network: Network,
        familiar: bool,
        now: UnixMillis,
    ) -> Result<Admitted, i64> {
        let admitted = Admitted { target, network, familiar };
        if familiar {
            self.familiar.take((target, network), &FAMILIAR, now)?;
            return Ok(admitted);
        }
        // This machine does not count as a network: a proxy on it brings everybody.
        if !network.is_here() {
            self.networks.take(network, &NETWORK, now)?;
        }
        if let Err(wait) = self.strangers.take(target, &STRANGERS, now) {
            self.networks.refund(network, &NETWORK);
            return Err(wait);
        }
        Ok(admitted)
    }

    /// The attempt was not a guess after all.
    pub(crate) fn succeeded(&mut self, admitted: Admitted) {
        let Admitted { target, network, familiar } = admitted;
        if familiar {
            self.familiar.refund((target, network), &FAMILIAR);
        } else {
            self.networks.refund(network, &NETWORK);
            self.strangers.refund(target, &STRANGERS);
        }
    }
}

/// For each key the moment at which its allowance is whole again: the "theoretical arrival time" of the generic cell rate
/// algorithm (ITU-T I.371 annex A). One number says it all.
struct Counts<K>(HashMap<K, UnixMillis>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn take(&mut self, key: K, allowance: &Allowance, now: UnixMillis) -> Result<(), i64> {
        let span = allowance.burst * allowance.interval_millis;
        // Held within the span, so that a clock that was set back locks nobody out for longer than that.
        let whole_at = self.0.get(&key).map_or(now, |at| (*at).clamp(now, now.plus_millis(span)));
        let wait = whole_at.0 - now.0 + allowance.interval_millis - span;
        if wait > 0 {
            return Err(wait);
        }
        if !self.0.contains_key(&key) && self.0.len() >= ENTRIES_MAX {
            self.make_room(now);
        }
        self.0.insert(key, whole_at.plus_millis(allowance.interval_millis));
        Ok(())
    }

    fn refund(&mut self, key: K, allowance: &Allowance) {
        if let Some(at) = self.0.get_mut(&key) {
            *at = at.plus_millis(-allowance.interval_millis);
        }
    }

    /// Forgets what is whole again; if that is little, an eighth of the table, what is whole soonest first.
    fn make_room(&mut self, now: UnixMillis) {
        self.0.retain(|_, at| *at > now);
        if self.0.len() > ENTRIES_MAX / 8 * 7 {
            let mut all: Vec<UnixMillis> = self.0.values().copied().collect();
            let (_, cut, _) = all.select_nth_unstable(ENTRIES_MAX / 8);
            let cut = *cut;
            self.0.retain(|_, at| *at > cut);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(last: u8) -> Network {
        Network::of([192, 0, last, 1].into())
    }

    const MINUTE: i64 = 60_000;

    #[test]
    fn strangers_are_slowed_and_the_owner_goes_on() {
        let mut throttle = Throttle::default();
        let (ann, now) = (Target([1; 16]), UnixMillis(1_000_000));
        // Ten strangers from ten networks, then none.
        for at in 0..10 {
            assert!(throttle.admit(ann, network(at), false, now).is_ok());
        }
        assert_eq!(throttle.admit(ann, network(99), false, now).err(), Some(6 * MINUTE));
        assert!(throttle.admit(ann, network(99), false, now.plus_millis(6 * MINUTE)).is_ok());
        assert_eq!(throttle.admit(ann, network(99), false, now.plus_millis(6 * MINUTE)).err(), Some(6 * MINUTE));
        // The owner, at home, is not concerned; neither is another account.
        assert!(throttle.admit(ann, network(7), true, now).is_ok());
        assert!(throttle.admit(Target([2; 16]), network(7), false, now).is_ok());
    }

    #[test]
    fn a_network_is_slowed_at_all_accounts() {
        let mut throttle = Throttle::default();
        let now = UnixMillis(1_000_000);
        for at in 0..30 {
            assert!(throttle.admit(Target([at; 16]), network(1), false, now).is_ok());
        }
        assert_eq!(throttle.admit(Target([99; 16]), network(1), false, now).err(), Some(MINUTE));
        assert!(throttle.admit(Target([99; 16]), network(2), false, now).is_ok());
        // What a proxy on this machine brings is counted by account only.
        for at in 0..100 {
            assert!(throttle.admit(Target([at; 16]), Network::HERE, false, now).is_ok());
        }
    }

    #[test]
    fn a_success_is_not_a_guess() {
        let mut throttle = Throttle::default();
        let (ann, now) = (Target([1; 16]), UnixMillis(0));
        for familiar in [false, true] {
            for _ in 0..1000 {
                let admitted = throttle.admit(ann, network(1), familiar, now).unwrap();
                throttle.succeeded(admitted);
            }
        }
    }

    #[test]
    fn a_table_that_is_full_forgets_what_is_nearly_whole() {
        let mut throttle = Throttle::default();
        let target = |at: u32| Target([&at.to_be_bytes()[..], &[0; 12]].concat().try_into().unwrap());
        let victim = Target([0xff; 16]);
        let now = UnixMillis(0);
        for _ in 0..10 {
            throttle.admit(victim, Network::HERE, false, now).unwrap();
        }
        for at in 0..u32::try_from(ENTRIES_MAX).unwrap() * 2 {
            throttle.admit(target(at), Network::HERE, false, now).unwrap();
        }
        assert!(throttle.strangers.0.len() <= ENTRIES_MAX);
        assert!(throttle.admit(victim, Network::HERE, false, now).is_err(), "guessed most, kept longest");
    }

    proptest! {
        /// Whatever the times, also of a clock that goes back: in a span of wall time no more failures pass than the burst
        /// and one for each interval, and nobody waits longer than an interval.
        #[test]
        fn no_more_than_the_allowance(steps in prop::collection::vec(0_i64..10 * MINUTE, 1..200), back in 0_i64..100 * MINUTE) {
            let mut throttle = Throttle::default();
            let (ann, mut now, mut passed) = (Target([1; 16]), UnixMillis(back), 0);
            for step in &steps {
                now = now.plus_millis(*step);
                match throttle.admit(ann, Network::HERE, false, now) {
                    Ok(_) => passed += 1,
                    Err(wait) => prop_assert!(wait > 0 && wait <= STRANGERS.interval_millis),
                }
            }
            prop_assert!(passed <= STRANGERS.burst + (now.0 - back) / STRANGERS.interval_millis);
            // Set back by any time: the wait is bounded.
            let earlier = now.plus_millis(-back);
            if let Err(wait) = throttle.admit(ann, Network::HERE, false, earlier) {
                prop_assert!(wait <= STRANGERS.interval_millis);
            }
        }
    }
}
