//! The system calls that a process needs, and no other.
//!
//! A list of what is allowed, not of what is forbidden: a call that a later kernel brings is blocked without anybody
//! knowing of it. What is not on the list fails with `EPERM` instead of ending the process, so that a C library which
//! tries something new and has another way goes on. Left out above all: whatever makes a socket (`socket`, `connect`,
//! `bind`), starts a program (`execve`, `fork`), looks into a process (`ptrace`, `process_vm_readv`, `pidfd_getfd`),
//! makes memory executable, or truncates a file by its path, which Landlock cannot stop before Linux 6.2.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// A list of calls, each with the conditions under which it is let through (none: always).
pub type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Files, memory, threads, and sockets that are open already.
    Files,
    /// In addition, to take connections at sockets that listen already, and to wait for many at once.
    Connections,
}

/// Allowed with whatever arguments.
#[rustfmt::skip]
const ALLOWED: &[c_long] = &[
    // the socket, which is open already
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_recvfrom, libc::SYS_sendto,
    libc::SYS_recvmsg, libc::SYS_sendmsg, libc::SYS_ppoll, libc::SYS_shutdown, libc::SYS_close,
    // files, which Landlock keeps to some folders
    libc::SYS_openat, libc::SYS_newfstatat, libc::SYS_fstat, libc::SYS_statx, libc::SYS_faccessat, libc::SYS_faccessat2,
    libc::SYS_lseek, libc::SYS_pread64, libc::SYS_pwrite64, libc::SYS_preadv, libc::SYS_pwritev, libc::SYS_fsync,
    libc::SYS_fdatasync, libc::SYS_ftruncate, libc::SYS_fallocate, libc::SYS_mkdirat, libc::SYS_unlinkat,
    libc::SYS_linkat, libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_getdents64, libc::SYS_fcntl, libc::SYS_getcwd,
    libc::SYS_readlinkat, libc::SYS_fchmod, libc::SYS_fchmodat, libc::SYS_flock,
    // memory
    libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk, libc::SYS_mlock, libc::SYS_munlock,
    libc::SYS_mlock2, libc::SYS_membarrier,
    // threads
    libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_rseq, libc::SYS_sched_yield, libc::SYS_sched_getaffinity,
    libc::SYS_gettid, libc::SYS_getpid, libc::SYS_exit, libc::SYS_exit_group, libc::SYS_restart_syscall,
    // signals, time, randomness
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_sigaltstack,
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep, libc::SYS_nanosleep,
    libc::SYS_gettimeofday, libc::SYS_getrandom, libc::SYS_getrusage, libc::SYS_sysinfo, libc::SYS_uname,
    libc::SYS_getuid, libc::SYS_geteuid,
];

/// Those that only one family of processors has.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_mkdir, libc::SYS_unlink, libc::SYS_rmdir,
    libc::SYS_link, libc::SYS_rename, libc::SYS_readlink, libc::SYS_poll, libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// In addition, for a process that serves connections.
#[rustfmt::skip]
const CONNECTIONS: &[c_long] = &[
    libc::SYS_accept4, libc::SYS_getsockname, libc::SYS_getpeername, libc::SYS_setsockopt, libc::SYS_getsockopt,
    libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait, libc::SYS_eventfd2,
    // the database asks for it where it runs as root
    libc::SYS_fchown,
];

/// Those of them that only one family of processors has.
#[cfg(target_arch = "x86_64")]
const CONNECTIONS_HERE: &[c_long] = &[libc::SYS_epoll_wait];
#[cfg(not(target_arch = "x86_64"))]
const CONNECTIONS_HERE: &[c_long] = &[];

/// Leaves the system calls of a list. `false` on a processor for which there is none.
///
/// # Errors
/// A kernel that takes no filter.
pub fn only(calls: Calls) -> io::Result<bool> {
    let Some(filters) = filters(calls) else { return Ok(false) };
    for filter in filters.map_err(io::Error::other)? {
        seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
    }
    Ok(true)
}

/// The filters, to be applied in their order (the last one does not let another be added); `None` on a processor of which
/// the list is not known.
fn filters(calls: Calls) -> Option<Result<Vec<BpfProgram>, BackendError>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    Some(no_clone3(arch).and_then(|no_clone3| Ok(vec![no_clone3, list(arch, calls)?])))
}

fn list(arch: TargetArch, calls: Calls) -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = ALLOWED.iter().chain(ALLOWED_HERE).map(|call| (*call, Vec::new())).collect();
    if calls == Calls::Connections {
        rules.extend(CONNECTIONS.iter().chain(CONNECTIONS_HERE).map(|call| (*call, Vec::new())));
        // Two ends in this process: the runtime wakes itself by them. And "do not wait", which is what the library asks of a socket by it.
        rules.insert(libc::SYS_socketpair, vec![only_if(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)?]);
        rules.insert(libc::SYS_ioctl, vec![only_if(1, SeccompCmpOp::Eq, libc::FIONBIO)?]);
    }
    // A signal to a thread of this process, as `abort` sends it; never to another process.
    rules.insert(libc::SYS_tgkill, vec![only_if(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?]);
    // A thread, never a process.
    let threads = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![only_if(0, SeccompCmpOp::MaskedEq(threads), threads)?]);
    rules.insert(libc::SYS_clone3, Vec::new());
    // The name of a thread, which the library gives; nothing else of this mixed bag.
    rules.insert(libc::SYS_prctl, vec![only_if(0, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64)?]);
    // Memory that no code can be run from.
    let executable = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![only_if(2, SeccompCmpOp::MaskedEq(executable), 0)?]);
    }
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?.try_into()
}

/// `clone3` hides its flags behind a pointer, where no filter can see them. To be told that there is no such call makes the
/// library use `clone`.
///
/// # Errors
/// A processor for which no filter can be made.
pub fn no_clone3(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let rules = Rules::from([(libc::SYS_clone3, Vec::new())]);
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32), arch)?.try_into()
}

fn only_if(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?])
}
