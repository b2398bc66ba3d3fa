//! What the vault's process gives up before it holds a secret. What the kernel cannot do is said, not hidden: the report
//! goes to the node, which logs it and shows it in its status (docs/vault-process.md says what holds without each).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use nix::unistd::geteuid;
use vault::Confinement;

use super::syscalls;

/// The newest Landlock whose meaning this program knows: 6 (Linux 6.12). What the kernel has of it is used.
const LANDLOCK: ABI = ABI::V6;

/// How much memory must be lockable before all is locked: with less, the first Argon2id would find none. The kernel counts what is
/// mapped, used or not: the program, the stacks, reserves, the memory of Argon2id, and the longest messages on the socket.
const LOCKABLE_BYTES_MIN: u64 = 1 << 30;

/// Gives up everything that is not needed to serve the vault in `dir`. On the only thread of the process: threads inherit it.
///
/// # Errors
/// What every Linux can do and this one does not: core dumps off, no new privileges, a filter that is refused.
pub(super) fn confine(dir: &Path) -> io::Result<Confinement> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)?;
    prctl::set_no_new_privs()?;
    // The vault ends when the node closes the socket, and not before: a manager that tells all processes of a service
    // to end would otherwise lock the node out while it says farewell to its clients.
    let mut signals = SigSet::empty();
    for signal in [nix::sys::signal::SIGTERM, nix::sys::signal::SIGINT, nix::sys::signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    let locked_memory = lock_memory();
    let files = restrict_files(dir);
    let system_calls = filter_system_calls()?;
    Ok(Confinement { files, system_calls, no_core: true, no_new_privileges: true, locked_memory })
}

/// Locks all memory, now and to come, as it comes into use (`MCL_ONFAULT`, Linux 4.4): what is reserved and holds nothing takes none.
/// Where the limit allows it.
fn lock_memory() -> String {
    let hard = getrlimit(Resource::RLIMIT_MEMLOCK).map_or(0, |(_, hard)| hard);
    // As much as we may.
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, hard, hard);
    if !geteuid().is_root() && hard != RLIM_INFINITY && hard < LOCKABLE_BYTES_MIN {
        return format!("the limit is {} KiB, and {} are needed", hard / 1024, LOCKABLE_BYTES_MIN / 1024);
    }
    let in_use = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    match mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | in_use) {
        Ok(()) => Confinement::ALL.to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Blocks every file but those beneath `dir`, every port, and sockets and signals to other processes, as far as the
/// kernel's Landlock goes. Says how far.
fn restrict_files(dir: &Path) -> String {
    let refused = || -> Result<RulesetStatus, Box<dyn std::error::Error>> {
        let own = AccessFs::from_read(LANDLOCK) | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg;
        let own = (own | AccessFs::MakeDir | AccessFs::RemoveFile | AccessFs::RemoveDir) & !AccessFs::Execute;
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .add_rule(PathBeneath::new(PathFd::new(dir)?, own))?
            .restrict_self()?;
        Ok(status.ruleset)
    };
    match refused() {
        Ok(RulesetStatus::FullyEnforced) => Confinement::FULL.to_owned(),
        Ok(RulesetStatus::PartiallyEnforced) => "partial, the kernel is older than 6.12".to_owned(),
        Ok(RulesetStatus::NotEnforced) => "none, the kernel has no Landlock".to_owned(),
        Err(error) => format!("none, {error}"),
    }
}

/// Leaves the system calls of the list. `false` on a processor for which there is none.
fn filter_system_calls() -> io::Result<bool> {
    let Some(filters) = syscalls::filters() else { return Ok(false) };
    for filter in filters.map_err(io::Error::other)? {
        seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
    }
    Ok(true)
}

/// A list of calls, each with the conditions under which it is let through (none: always).
pub(crate) type Rules = BTreeMap<i64, Vec<seccompiler::SeccompRule>>;
