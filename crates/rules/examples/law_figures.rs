//! Performance figures of the law: decisions per second on one core, load time of the set, memory. `cargo xtask bench
//! law` runs it. The facts are those of every case under `law/`, in turn, for a fair mix.
#![allow(clippy::disallowed_methods, reason = "it measures time, and reads the law from the source tree")]

use std::hint::black_box;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rules::{LawSet, Mode};

/// The program's allocator, so that the measurement is realistic.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(2);

/// Rounds; the median is printed.
const ROUNDS: usize = 5;

fn main() {
    let files = files();
    let Ok(law) = LawSet::load(&files) else {
        eprintln!("the law in the source tree cannot be loaded; run `cargo test -p rules`");
        std::process::exit(1);
    };
    let Ok(cases) = rules::read_cases(&law, &files) else {
        eprintln!("the cases in the source tree cannot be loaded; run `cargo test -p rules`");
        std::process::exit(1);
    };
    let load = median(|| {
        let began = core_time();
        let _ = black_box(LawSet::load(black_box(&files)));
        (core_time() - began).as_secs_f64() * 1e3
    });
    let rate = |run: &dyn Fn(&rules::Facts)| {
        median(|| {
            let began = core_time();
            let mut done = 0_u32;
            while core_time() - began < SPAN / ROUNDS as u32 {
                cases.iter().for_each(|case| run(&case.facts));
                done += cases.len() as u32;
            }
            f64::from(done) / (core_time() - began).as_secs_f64()
        })
    };
    let decided = rate(&|facts| {
        black_box(rules::decide(&law, black_box(facts), Mode::Service));
    });
    let before = resident_kib();
    let held: Vec<LawSet> = (0..20).filter_map(|_| LawSet::load(&files).ok()).collect();
    let memory = resident_kib().saturating_sub(before) / held.len().max(1) as u64;
    let check = median(|| {
        let began = core_time();
        black_box(rules::check(&law, &cases));
        (core_time() - began).as_secs_f64() * 1e3
    });
    println!(
        "{{\"bench\":\"law\",\"rules\":{},\"cases\":{},\"decisions_per_second\":{decided:.0},\"load_ms\":{load:.1},\
         \"memory_kib\":{memory},\"check_ms\":{check:.0}}}",
        law.rules().len(),
        cases.len()
    );
}

/// The CPU time of this process, so that other processes do not count; wall-clock time if the system does not report
/// it.
fn core_time() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let said = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = said.split_whitespace().next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    nanos.map_or_else(|| BEGAN.elapsed(), Duration::from_nanos)
}

fn median(mut take: impl FnMut() -> f64) -> f64 {
    let mut all: Vec<f64> = (0..ROUNDS).map(|_| take()).collect();
    all.sort_by(f64::total_cmp);
    all[ROUNDS / 2]
}

/// The resident set size of this process; 0 if the system does not report it.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../law");
    let mut files = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if let (Some(name), Ok(text)) =
                (path.strip_prefix(&root).ok().and_then(Path::to_str), std::fs::read_to_string(&path))
            {
                files.push((name.to_owned(), text));
            }
        }
    }
    files.sort();
    files
}
