//! Sealing under a passphrase: Argon2id (RFC 9106) gives a key, HKDF a sealing key and a commitment, AES-256-GCM the rest.
//!
//! The parameters are in the box, so that a later, higher profile does not orphan what an earlier one sealed. The
//! commitment tells a wrong passphrase from a damaged box, and makes it impossible to prepare one box that many
//! passphrases open.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use terms::{Entropy, Secret};
use zeroize::{Zeroize, Zeroizing};

use super::{AeadKey, DoesNotOpen, Key32, NONCE_ZERO, Prk, TAG_LEN, same};

/// What a guess at a passphrase costs: the parameters of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostProfile {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What a box may ask for at most, so that a damaged file cannot ask for all memory: 4 GiB.
const MEMORY_KIB_MAX: u32 = 4 * 1024 * 1024;
/// Passes at most, for the same reason.
const PASSES_MAX: u32 = 64;
/// Lanes at most, for the same reason.
const LANES_MAX: u32 = 64;

impl CostProfile {
    /// 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's first choice for Argon2id.
    pub const OWASP: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// Another profile: an operator may raise the cost; a test lowers it. `None` when Argon2 does not allow it (RFC 9106
    /// section 3.1: at least 8 KiB a lane, one pass, one lane) or it passes 4 GiB, 64 passes or 64 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let in_bounds = memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX && lanes <= LANES_MAX;
        let profile = Self { memory_kib, passes, lanes };
        (in_bounds && profile.params().is_some()).then_some(profile)
    }

    /// Memory in KiB, passes, lanes.
    pub(crate) fn numbers(self) -> [u32; 3] {
        [self.memory_kib, self.passes, self.lanes]
    }

    fn params(self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()
    }
}

impl Default for CostProfile {
    fn default() -> Self {
        Self::OWASP
    }
}

/// How many computations of Argon2id may run at once. Each holds its memory for its whole run, so that a crowd of
/// guessers would otherwise take all of it; the rest wait their turn.
pub(crate) struct Lanes {
    free: Mutex<usize>,
    returned: Condvar,
    /// Work done so far, in KiB filled: a pass over the memory counts once.
    filled_kib: AtomicU64,
}

impl Lanes {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), returned: Condvar::new(), filled_kib: AtomicU64::new(0) }
    }

    /// The work done so far, in KiB of memory filled.
    pub(crate) fn filled_kib(&self) -> u64 {
        self.filled_kib.load(Ordering::Relaxed)
    }

    /// Runs `work` when a lane is free.
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        drop(free);
        let back = Returned(self);
        let out = work();
        drop(back);
        out
    }
}

/// Gives the lane back, also when the work panics.
struct Returned<'a>(&'a Lanes);

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

/// Why a box stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassphraseError {
    /// Another passphrase made it.
    Wrong,
    /// The passphrase is right and the rest is not what was written.
    Damaged,
}

/// A secret sealed under a passphrase.
///
/// Octets: memory in KiB (4), passes (4), lanes (4), salt (16), commitment (32), ciphertext and tag.
#[derive(Clone)]
pub(crate) struct PassphraseBox(Vec<u8>);

const SALT_AT: usize = 12;
const COMMITMENT_AT: usize = SALT_AT + 16;
const TEXT_AT: usize = COMMITMENT_AT + 32;

impl PassphraseBox {
    /// Seals `plain`. `context` names what it is and whose; it must be given again to open. The salt is fresh, so the key
    /// is too, and its nonce is used once.
    pub(crate) fn seal(
        passphrase: &Secret<String>,
        context: &[u8],
        plain: &[u8],
        cost: CostProfile,
        lanes: &Lanes,
        entropy: &dyn Entropy,
    ) -> Result<Self, DoesNotOpen> {
        let mut bytes = Vec::with_capacity(TEXT_AT + plain.len() + TAG_LEN);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        bytes.extend_from_slice(&salt);
        let (key, commitment) = derive(passphrase, &bytes, cost, context, lanes).ok_or(DoesNotOpen)?;
        bytes.extend_from_slice(&commitment);
        AeadKey::new(&key).seal_into(NONCE_ZERO, context, plain, &mut bytes);
        Ok(Self(bytes))
    }

    /// A box that no passphrase opens, for work that must take as long as the real thing.
    pub(crate) fn decoy(cost: CostProfile, plain_len: usize, entropy: &dyn Entropy) -> Self {
        let mut bytes = vec![0; TEXT_AT + plain_len + TAG_LEN];
        entropy.fill(&mut bytes[SALT_AT..]);
        for (at, number) in [cost.memory_kib, cost.passes, cost.lanes].into_iter().enumerate() {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&number.to_be_bytes());
        }
        Self(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Opens the box. Takes as long for a wrong passphrase as for the right one, but for the last few microseconds.
    pub(crate) fn open(
        &self,
        passphrase: &Secret<String>,
        context: &[u8],
        lanes: &Lanes,
    ) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
        let (head, text) = self.0.split_at_checked(TEXT_AT).ok_or(PassphraseError::Damaged)?;
        let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let cost = CostProfile::new(number(0), number(4), number(8)).ok_or(PassphraseError::Damaged)?;
        let (key, commitment) =
            derive(passphrase, &head[..COMMITMENT_AT], cost, context, lanes).ok_or(PassphraseError::Damaged)?;
        if !same(&commitment, &head[COMMITMENT_AT..]) {
            return Err(PassphraseError::Wrong);
        }
        let mut plain = Vec::with_capacity(text.len());
        AeadKey::new(&key)
            .open_into(NONCE_ZERO, context, text, &mut plain)
            .map_err(|DoesNotOpen| PassphraseError::Damaged)?;
        Ok(Zeroizing::new(plain))
    }
}

/// Key and commitment. `head` is the parameters and the salt as they stand in the box.
fn derive(
    passphrase: &Secret<String>,
    head: &[u8],
    cost: CostProfile,
    context: &[u8],
    lanes: &Lanes,
) -> Option<(Key32, [u8; 32])> {
    let params = cost.params()?;
    let mut stretched = Key32::default();
    let salt = &head[SALT_AT..COMMITMENT_AT];
    lanes.filled_kib.fetch_add(u64::from(cost.memory_kib) * u64::from(cost.passes), Ordering::Relaxed);
    lanes.run(|| {
        let mut memory = Memory::of_blocks(params.block_count())?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.expose().as_bytes(), salt, stretched.as_mut(), &mut memory.0[..])
            .ok()
    })?;
    let okm = Prk::from_uniform(&stretched).expand::<64>(&[b"bailiwick/passphrase/v1", &head[..SALT_AT], context]);
    let (mut key, mut commitment) = (Key32::default(), [0; 32]);
    key.copy_from_slice(&okm[..32]);
    commitment.copy_from_slice(&okm[32..]);
    Some((key, commitment))
}

/// The memory of one computation, wiped when dropped: whoever reads its last blocks need not guess the passphrase.
struct Memory(Vec<Block>);

impl Memory {
    /// `None` when the machine has not so much.
    fn of_blocks(count: usize) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::new());
        Some(Self(blocks))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What one guess may take on the machine that verifies passwords: a tenth of a second. A person does not notice it, a
/// client pays it once in some minutes (sign-ins are remembered), and two processors still verify twenty a second.
pub const GUESS_TARGET: Duration = Duration::from_millis(100);

/// More memory than this for one guess is not chosen: 256 MiB. A node computes as many at once as it has processors.
const MEASURED_KIB_MAX: u32 = 256 * 1024;

impl CostProfile {
    /// The highest cost at which one guess takes no longer than `target` on this machine now: the memory is doubled from
    /// [`OWASP`](Self::OWASP)'s, which is the least, up to 256 MiB; two passes, one lane. Computes for a few times `target`.
    pub fn measure(target: Duration) -> Self {
        let mut chosen = Self::OWASP;
        while let Some(next) = Self::new(chosen.memory_kib * 2, chosen.passes, chosen.lanes) {
            if next.memory_kib > MEASURED_KIB_MAX || next.takes().is_none_or(|takes| takes > target) {
                break;
            }
            chosen = next;
        }
        chosen
    }

    /// How long one guess takes: the shorter of two, since a busy machine makes one long and never one short. `None`
    /// without the memory for it.
    pub fn takes(self) -> Option<Duration> {
        let once = || {
            let began = Instant::now();
            let lanes = Lanes::new(1);
            derive(&Secret::from("a guess"), &[0; COMMITMENT_AT], self, b"", &lanes).map(|_| began.elapsed())
        };
        Some(once()?.min(once()?))
    }

    /// Memory in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    pub fn lanes(self) -> u32 {
        self.lanes
    }
}
