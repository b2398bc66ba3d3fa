//! What a guess at a password costs.

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
/// Memory for each lane at least (RFC 9106 section 3.1).
const MEMORY_KIB_MIN: u32 = 8;

impl CostProfile {
    /// 19 MiB, two passes, one lane: the OWASP Password Storage Cheat Sheet's first choice for Argon2id.
    pub const OWASP: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// Another profile: an operator may raise the cost; a test lowers it. `None` when Argon2 does not allow it (RFC 9106
    /// section 3.1: at least 8 KiB a lane, one pass, one lane) or it passes 4 GiB, 64 passes or 64 lanes.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let in_bounds = (1..=PASSES_MAX).contains(&passes)
            && (1..=LANES_MAX).contains(&lanes)
            && (MEMORY_KIB_MIN * lanes..=MEMORY_KIB_MAX).contains(&memory_kib);
        in_bounds.then_some(Self { memory_kib, passes, lanes })
    }

    /// Memory in KiB, passes, lanes.
    pub fn numbers(self) -> [u32; 3] {
        [self.memory_kib, self.passes, self.lanes]
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

impl Default for CostProfile {
    fn default() -> Self {
        Self::OWASP
    }
}

/// What one guess may take on the machine that verifies passwords, in milliseconds: a tenth of a second. A person does not
/// notice it, a client pays it once in some minutes (sign-ins are remembered), and two processors still verify twenty a
/// second.
pub const GUESS_TARGET_MILLIS: u32 = 100;
