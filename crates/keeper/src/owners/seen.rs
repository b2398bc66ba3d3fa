//! What is remembered of sign-ins on disk, for security only and for 7 days: from which networks an owner signed in, so
//! that guesses of strangers do not lock the owner out, and on which day an app password was used last.
//!
//! Networks are keyed hashes; no time finer than a day is kept, and no address.

use terms::{AccountId, UnixMillis};
use vault::inside::{Decoder, Encoder};
use vault::{Network, SEEN_DAYS, VaultError};

use crate::files::{Folder, SEEN, seen_file};
use crate::node::service_key::ServiceKey;

/// Networks remembered of one account: a traveller with a phone changes a few a day. The oldest goes.
const NETWORKS_MAX: usize = 64;

/// "Bailiwick vault, seen", format 1.
const MAGIC: &[u8; 4] = b"BVU\x01";

/// Bytes of a network's keyed hash.
const MARK_LEN: usize = 16;

/// Days since 1970-01-01.
type Day = i64;

/// What was seen of one account's sign-ins.
#[derive(Default)]
pub(crate) struct Seen {
    networks: Vec<([u8; MARK_LEN], Day)>,
    app_passwords: Vec<(u32, Day)>,
}

impl Seen {
    /// What is remembered of the account now. A file that is damaged or was never written counts as nothing: it decides
    /// how fast one may guess, not who may enter.
    pub(crate) fn load(folder: &Folder, own: &ServiceKey, account: AccountId, now: UnixMillis) -> Self {
        let file = seen_file(account);
        let read = || {
            let sealed = folder.read(&file).ok()??;
            Self::parse(&own.open(&file, &sealed).ok()?)
        };
        let mut seen = read().unwrap_or_default();
        seen.forget_old(now);
        seen
    }

    /// Whether the owner signed in from there.
    pub(crate) fn knows(&self, own: &ServiceKey, account: AccountId, network: Network) -> bool {
        let mark = mark(own, account, network);
        self.networks.iter().any(|(known, _)| *known == mark)
    }

    /// The day on which an app password was used last, if that is within the days kept.
    pub(crate) fn last_used(&self, app_password: u32) -> Option<UnixMillis> {
        let day = self.app_passwords.iter().find(|(id, _)| *id == app_password)?.1;
        Some(UnixMillis(day * DAY_MILLIS))
    }

    /// Notes a sign-in, and writes the file if that is news. Durable when it returns.
    pub(crate) fn note(
        mut self,
        folder: &Folder,
        own: &ServiceKey,
        account: AccountId,
        (network, app_password): (Network, Option<u32>),
        now: UnixMillis,
        entropy: &dyn terms::Entropy,
    ) -> Result<(), VaultError> {
        let today = day(now);
        let mark = mark(own, account, network);
        let mut news = put(&mut self.networks, mark, today);
        if let Some(id) = app_password {
            news |= put(&mut self.app_passwords, id, today);
        }
        if !news {
            return Ok(());
        }
        self.networks.sort_by_key(|(_, day)| -day);
        self.networks.truncate(NETWORKS_MAX);
        let file = seen_file(account);
        folder.write(&file, &own.seal(&file, &self.to_bytes(), entropy))
    }

    fn forget_old(&mut self, now: UnixMillis) {
        let today = day(now);
        // A day of the future is of a clock that was wrong.
        let kept = |day: Day| (today - SEEN_DAYS < day) && day <= today;
        self.networks.retain(|(_, day)| kept(*day));
        self.app_passwords.retain(|(_, day)| kept(*day));
    }

    fn to_bytes(&self) -> Vec<u8> {
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let mut out = Encoder::new(MAGIC).u32(count(self.networks.len()));
        for (mark, day) in &self.networks {
            out = out.fixed(mark).i64(*day);
        }
        out = out.u32(count(self.app_passwords.len()));
        for (id, day) in &self.app_passwords {
            out = out.u32(*id).i64(*day);
        }
        out.finish()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        let mut seen = Self::default();
        for _ in 0..rest.u32()? {
            seen.networks.push((rest.array()?, rest.i64()?));
        }
        for _ in 0..rest.u32()? {
            seen.app_passwords.push((rest.u32()?, rest.i64()?));
        }
        rest.end()?;
        Some(seen)
    }
}

/// Removes what is older than [`SEEN_DAYS`] from the files of all accounts. Call it each day: who does not sign in any more
/// would be remembered permanently.
///
/// # Errors
/// `FileError::Disk`.
pub(crate) fn forget_old(
    folder: &Folder,
    own: &ServiceKey,
    now: UnixMillis,
    entropy: &dyn terms::Entropy,
) -> Result<(), VaultError> {
    for name in folder.list(SEEN)? {
        let file = format!("{SEEN}/{name}");
        let Some(sealed) = folder.read(&file)? else { continue };
        let seen = own.open(&file, &sealed).ok().and_then(|plain| Seen::parse(&plain));
        let Some(mut seen) = seen else {
            folder.remove(&file)?;
            continue;
        };
        let before = (seen.networks.len(), seen.app_passwords.len());
        seen.forget_old(now);
        if seen.networks.is_empty() && seen.app_passwords.is_empty() {
            folder.remove(&file)?;
        } else if before != (seen.networks.len(), seen.app_passwords.len()) {
            folder.write(&file, &own.seal(&file, &seen.to_bytes(), entropy))?;
        }
    }
    Ok(())
}

const DAY_MILLIS: i64 = 86_400_000;

fn day(now: UnixMillis) -> Day {
    now.0.div_euclid(DAY_MILLIS)
}

fn mark(own: &ServiceKey, account: AccountId, network: Network) -> [u8; MARK_LEN] {
    let hash = own.hash("network", &[account.0, network.bytes()].concat());
    let mut mark = [0; MARK_LEN];
    mark.copy_from_slice(&hash[..MARK_LEN]);
    mark
}

/// `true` when it is news.
fn put<K: PartialEq>(list: &mut Vec<(K, Day)>, key: K, today: Day) -> bool {
    match list.iter_mut().find(|(known, _)| *known == key) {
        Some((_, day)) if *day == today => false,
        Some((_, day)) => {
            *day = today;
            true
        }
        None => {
            list.push((key, today));
            true
        }
    }
}
