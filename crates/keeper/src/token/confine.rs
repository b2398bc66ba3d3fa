//! What the process that loads a token's module gives up before it does. The module is foreign code that is shown a PIN and
//! hands back a secret: what it must not have is a way to carry them off.
//!
//! Here the list is of what is forbidden, not of what is allowed as in the vault's own process: nobody knows what a module
//! needs, its devices, files and daemons (a socket of this machine) among it. A token that is reached over a network needs
//! one, and then the configuration says so.

use std::io;

use confine::{Rules, no_clone3};
use libc::c_long;
use nix::sys::mman::{MlockAllFlags, mlockall};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Forbidden with whatever arguments.
#[rustfmt::skip]
const FORBIDDEN: &[c_long] = &[
    // programs
    libc::SYS_execve, libc::SYS_execveat,
    // other processes: the node's is of the same user
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd, libc::SYS_kcmp,
    // a second way to sockets, and to what the filter would see otherwise
    libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register,
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd,
    // another view of the machine
    libc::SYS_unshare, libc::SYS_setns, libc::SYS_mount, libc::SYS_pivot_root, libc::SYS_chroot,
];

/// Those that only one family of processors has.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: &[c_long] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: &[c_long] = &[];

/// The second set of numbers that a kernel for x86_64 may answer to (x32): the bit, and the numbers of those above and of
/// `socket` that are others there (arch/x86/entry/syscalls/syscall_64.tbl).
#[cfg(target_arch = "x86_64")]
const X32: (c_long, &[c_long]) = (0x4000_0000, &[520, 521, 539, 540, 545]);
#[cfg(not(target_arch = "x86_64"))]
const X32: (c_long, &[c_long]) = (0, &[]);

/// What every process that holds a secret for a moment gives up: core dumps, new privileges, swap as far as the limit allows.
///
/// # Errors
/// What every Linux can do and this one does not.
pub(super) fn before_the_request() -> io::Result<()> {
    confine::harden()?;
    // As much as the limit allows, and only what is used (`MCL_ONFAULT`); it lives for a second.
    let in_use = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    let _ = mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | in_use);
    Ok(())
}

/// Blocks programs, other processes and, unless the token is reached over one, the network. On the only thread, before
/// the module is loaded: its threads inherit it. Nothing on a processor for which there is no list.
///
/// # Errors
/// A kernel that takes no filter.
pub(super) fn before_the_module(network: bool) -> io::Result<()> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return Ok(()) };
    let filters = no_clone3(arch).and_then(|no_clone3| Ok([no_clone3, list(arch, network)?]));
    for filter in filters.map_err(io::Error::other)? {
        seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
    }
    Ok(())
}

fn list(arch: TargetArch, network: bool) -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = FORBIDDEN.iter().chain(FORBIDDEN_HERE).map(|call| (*call, Vec::new())).collect();
    // A process: whatever is made without being a thread of this one.
    let threads = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![only_if(SeccompCmpOp::MaskedEq(threads), 0)?]);
    // To be dumped, or looked into, once more.
    rules.insert(libc::SYS_prctl, vec![only_if(SeccompCmpOp::Eq, libc::PR_SET_DUMPABLE as u64)?]);
    if !network {
        rules.insert(libc::SYS_socket, vec![only_if(SeccompCmpOp::Ne, libc::AF_UNIX as u64)?]);
    }
    let (bit, others) = X32;
    if bit != 0 {
        let again: Vec<_> = rules.iter().map(|(call, when)| (call | bit, when.clone())).collect();
        rules.extend(again);
        rules.extend(others.iter().map(|call| (call | bit, Vec::new())));
    }
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refused, arch)?.try_into()
}

/// A condition on the first argument.
fn only_if(operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, operator, value)?])
}
