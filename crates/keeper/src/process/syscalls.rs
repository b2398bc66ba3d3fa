//! The system calls that the vault's process needs, and no other.
//!
//! A list of what is allowed, not of what is forbidden: a call that a later kernel brings is blocked without anybody
//! knowing of it. What is not on the list fails with `EPERM` instead of ending the process, so that a C library which
//! tries something new and has another way goes on. Left out above all: whatever makes a socket (`socket`, `connect`,
//! `bind`), starts a program (`execve`, `fork`), looks into a process (`ptrace`, `process_vm_readv`, `pidfd_getfd`) or
//! makes memory executable.

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::confine::Rules;

/// Allowed with whatever arguments.
#[rustfmt::skip]
const ALLOWED: &[c_long] = &[
    // the socket, which is open already
    libc::SYS_read, libc::SYS_write, libc::SYS_readv, libc::SYS_writev, libc::SYS_recvfrom, libc::SYS_sendto,
    libc::SYS_recvmsg, libc::SYS_sendmsg, libc::SYS_ppoll, libc::SYS_shutdown, libc::SYS_close,
    // files, which Landlock keeps to the vault's own folder
    libc::SYS_openat, libc::SYS_newfstatat, libc::SYS_fstat, libc::SYS_statx, libc::SYS_faccessat, libc::SYS_faccessat2,
    libc::SYS_lseek, libc::SYS_pread64, libc::SYS_pwrite64, libc::SYS_preadv, libc::SYS_pwritev, libc::SYS_fsync,
    libc::SYS_fdatasync, libc::SYS_ftruncate, libc::SYS_fallocate, libc::SYS_mkdirat, libc::SYS_unlinkat,
    libc::SYS_linkat, libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_getdents64, libc::SYS_fcntl, libc::SYS_getcwd,
    libc::SYS_readlinkat, libc::SYS_fchmod, libc::SYS_fchmodat,
    // memory
    libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk, libc::SYS_mlock, libc::SYS_munlock,
    libc::SYS_mlock2, libc::SYS_membarrier,
    // threads
    libc::SYS_futex, libc::SYS_set_robust_list, libc::SYS_rseq, libc::SYS_sched_yield, libc::SYS_sched_getaffinity,
    libc::SYS_gettid, libc::SYS_getpid, libc::SYS_tgkill, libc::SYS_exit, libc::SYS_exit_group, libc::SYS_restart_syscall,
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

/// The filters, to be applied in their order (the last one does not let another be added); `None` on a processor of which
/// the list is not known.
pub(super) fn filters() -> Option<Result<Vec<BpfProgram>, BackendError>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    Some(no_clone3(arch).and_then(|no_clone3| Ok(vec![no_clone3, list(arch)?])))
}

fn list(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = ALLOWED.iter().chain(ALLOWED_HERE).map(|call| (*call, Vec::new())).collect();
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
pub(crate) fn no_clone3(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let rules = Rules::from([(libc::SYS_clone3, Vec::new())]);
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32), arch)?.try_into()
}

fn only_if(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?])
}
