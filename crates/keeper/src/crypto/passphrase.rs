//! Sealing under a passphrase: Argon2id (RFC 9106) gives a key, HKDF a sealing key and a commitment, AES-256-GCM the rest.
//!
//! The parameters are in the box, so that a later, higher profile does not orphan what an earlier one sealed. The
//! commitment tells a wrong passphrase from a damaged box, and makes it impossible to prepare one box that many
//! passphrases open.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use terms::{Entropy, Secret};
use vault::CostProfile;
use zeroize::{Zeroize, Zeroizing};

use super::{AeadKey, DoesNotOpen, Key32, NONCE_ZERO, Prk, TAG_LEN, same};

fn params(cost: CostProfile) -> Option<Params> {
    Params::new(cost.memory_kib(), cost.passes(), cost.lanes(), Some(32)).ok()
}

/// Memory that all computations of Argon2id take at once: 128 MiB, two at the highest cost that `node tune` chooses, six at the
/// lowest. A computation that needs more, because an operator has raised the cost, runs alone.
const LANES_KIB_MAX: u32 = 128 * 1024;

/// How many computations of Argon2id may run at once. Each holds its memory for its whole run, so that a crowd of
/// guessers would otherwise take all of it; the rest wait their turn.
pub(crate) struct Lanes {
    free: Mutex<Free>,
    returned: Condvar,
    /// Work done so far, in KiB filled: a pass over the memory counts once.
    filled_kib: AtomicU64,
}

/// What is free of lanes and memory.
struct Free {
    lanes: usize,
    kib: u32,
    /// Memory of computations that are over, wiped, for the next ones: mapping it again would cost each a tenth.
    spare: Vec<Memory>,
    /// Whether a computation has begun since [`Lanes::rest`].
    used: bool,
}

impl Lanes {
    pub(crate) fn new(count: usize) -> Self {
        let free = Free { lanes: count.max(1), kib: LANES_KIB_MAX, spare: Vec::new(), used: false };
        Self { free: Mutex::new(free), returned: Condvar::new(), filled_kib: AtomicU64::new(0) }
    }

    /// Gives spare memory back to the system if nothing was computed since the last time.
    pub(crate) fn rest(&self) {
        let mut free = self.free();
        let unused = !std::mem::replace(&mut free.used, false);
        let spare = if unused { std::mem::take(&mut free.spare) } else { Vec::new() };
        drop(free);
        drop(spare);
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work done so far, in KiB of memory filled.
    pub(crate) fn filled_kib(&self) -> u64 {
        self.filled_kib.load(Ordering::Relaxed)
    }

    /// Runs `work` with so many blocks of memory when a lane is free and as much memory. `None` when the machine has not that much.
    fn run<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> Option<T> {
        let kib = u32::try_from(blocks).unwrap_or(u32::MAX).min(LANES_KIB_MAX);
        let mut free = self.free();
        while free.lanes == 0 || free.kib < kib {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        free.lanes -= 1;
        free.kib -= kib;
        free.used = true;
        let spare = free.spare.iter().position(|memory| memory.0.len() == blocks).map(|at| free.spare.swap_remove(at));
        // Spare memory of another size goes, so that all of it together stays within its limit.
        let other = if spare.is_none() { std::mem::take(&mut free.spare) } else { Vec::new() };
        drop(free);
        drop(other);
        let mut turn = Turn { lanes: self, kib, memory: spare };
        let memory = match turn.memory.take() {
            Some(memory) => memory,
            None => Memory::of_blocks(blocks)?,
        };
        Some(work(&mut turn.memory.insert(memory).0))
    }
}

/// A lane with its memory, returned also when the work panics.
struct Turn<'a> {
    lanes: &'a Lanes,
    kib: u32,
    memory: Option<Memory>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(memory) = &mut self.memory {
            memory.0.zeroize();
        }
        let mut free = self.lanes.free();
        free.lanes += 1;
        free.kib += self.kib;
        free.spare.extend(self.memory.take());
        drop(free);
        // Those who wait need different amounts of memory.
        self.lanes.returned.notify_all();
    }
}

/// Why a box stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassphraseError {
    /// Another passphrase made it.
    Wrong,
    /// The passphrase is right and the rest is not what was written.
    Damaged,
}

/// A secret sealed under a passphrase.
///
/// Bytes: memory in KiB (4), passes (4), lanes (4), salt (16), commitment (32), ciphertext and tag.
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
        for number in cost.numbers() {
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
        for (at, number) in cost.numbers().into_iter().enumerate() {
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
    let params = params(cost)?;
    let mut stretched = Key32::default();
    let salt = &head[SALT_AT..COMMITMENT_AT];
    lanes.filled_kib.fetch_add(u64::from(cost.memory_kib()) * u64::from(cost.passes()), Ordering::Relaxed);
    let blocks = params.block_count();
    lanes.run(blocks, |memory| {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.expose().as_bytes(), salt, stretched.as_mut(), memory)
            .ok()
    })??;
    let okm = Prk::from_uniform(&stretched).expand::<64>(&[b"bailiwick/passphrase/v1", &head[..SALT_AT], context]);
    let (mut key, mut commitment) = (Key32::default(), [0; 32]);
    key.copy_from_slice(&okm[..32]);
    commitment.copy_from_slice(&okm[32..]);
    Some((key, commitment))
}

/// The memory of one computation, wiped when it is over and when it is dropped: anyone who reads its last blocks need not guess the passphrase.
struct Memory(Vec<Block>);

impl Memory {
    /// `None` when the machine has not that much.
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

/// More memory than this for one guess is not chosen: 64 MiB, so that two are computed at once.
const MEASURED_KIB_MAX: u32 = LANES_KIB_MAX / 2;

/// The highest cost at which one guess takes no longer than `target` on this machine now: the memory is doubled from
/// [`CostProfile::OWASP`]'s, which is the least, up to 64 MiB; two passes, one lane. Computes for a few times `target`.
pub(crate) fn measure_cost(target: Duration) -> CostProfile {
    let mut chosen = CostProfile::OWASP;
    while let Some(next) = CostProfile::new(chosen.memory_kib() * 2, chosen.passes(), chosen.lanes()) {
        if next.memory_kib() > MEASURED_KIB_MAX || guess_takes(next).is_none_or(|takes| takes > target) {
            break;
        }
        chosen = next;
    }
    chosen
}

/// How long one guess takes: the shorter of two, since a busy machine makes one long and never one short. `None` without
/// the memory for it.
fn guess_takes(cost: CostProfile) -> Option<Duration> {
    let once = || {
        let began = Instant::now();
        let lanes = Lanes::new(1);
        derive(&Secret::from("a guess"), &[0; COMMITMENT_AT], cost, b"", &lanes).map(|_| began.elapsed())
    };
    Some(once()?.min(once()?))
}
