//! Processor time and memory of a service: of its control group where this machine lets us make one, else of its
//! processes by /proc, in ticks of 10 ms.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where version 1 of control groups counts processor time.
const ACCOUNTING: &str = "/sys/fs/cgroup/cpuacct";

/// What is counted together.
pub(crate) struct Group {
    path: Option<PathBuf>,
}

impl Group {
    /// A group of this name; without control groups, a count by /proc.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(ACCOUNTING).join(format!("bailiwick-bench-{}-{name}", std::process::id()));
        let made = Path::new(ACCOUNTING).is_dir() && fs::create_dir(&path).is_ok();
        Self { path: made.then_some(path) }
    }

    /// Whether the kernel counts exactly.
    pub(crate) fn is_exact(&self) -> bool {
        self.path.is_some()
    }

    /// The file into which a process writes itself to be counted here.
    pub(crate) fn door(&self) -> Option<PathBuf> {
        Some(self.path.as_ref()?.join("cgroup.procs"))
    }

    /// Processor time so far, of those that ended too. `root` is the first process, for the count by /proc.
    pub(crate) fn cpu(&self, root: u32) -> Duration {
        let exact = self.path.as_ref().and_then(|path| fs::read_to_string(path.join("cpuacct.usage")).ok());
        match exact.and_then(|text| text.trim().parse().ok()) {
            Some(nanos) => Duration::from_nanos(nanos),
            None => tree(root).into_iter().filter_map(ticks).sum(),
        }
    }

    /// The processes.
    pub(crate) fn processes(&self, root: u32) -> Vec<u32> {
        match self.door().and_then(|door| fs::read_to_string(door).ok()) {
            Some(text) => text.lines().filter_map(|line| line.parse().ok()).collect(),
            None => tree(root),
        }
    }

    /// The memory of all processes in bytes, each page that several have counted once (PSS).
    pub(crate) fn memory(&self, root: u32) -> u64 {
        let of = |pid: &u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = text.lines().find(|line| line.starts_with("Pss:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.processes(root).iter().filter_map(of).sum::<u64>() * 1024
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Refused while a process is in it; the next start of the machine removes it.
            let _ = fs::remove_dir(path);
        }
    }
}

/// Processor time of this process, its ended children included.
pub(crate) fn own_cpu() -> Duration {
    let task = |entry: fs::DirEntry| -> Option<u64> {
        fs::read_to_string(entry.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    // Ticks know threads that ended, nanoseconds those that run.
    let running = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().filter_map(task).sum();
    Duration::from_nanos(running).max(ticks(std::process::id()).unwrap_or_default())
}

/// User and system time of a process and of its children that ended; clock ticks are hundredths of a second on Linux.
fn ticks(pid: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may have spaces. Behind it field 3 comes first; times are 14 to 17.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let sum: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(sum * 10))
}

/// A process and all that descend from it.
fn tree(root: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mut found = vec![root];
    let mut seen = 0;
    while seen < found.len() {
        let above = found[seen];
        found.extend(all.iter().filter(|pid| parent(**pid) == Some(above)));
        seen += 1;
    }
    found
}
