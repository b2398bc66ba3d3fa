//! Measuring: what the program does, in figures, beside what others do in the same run on the same machine.
//!
//! A benchmark is not a test: it asserts that the work was done, never how fast. Figures that were measured stand in
//! `docs/benchmarks.md`, with the day and the machine.

pub(crate) mod law;
pub(crate) mod mail;
pub(crate) mod search;
pub(crate) mod vault;

use std::process::ExitCode;

/// For the list of commands.
pub(crate) const ABOUT: &str = "Measure; `bench` alone names the benchmarks";

/// One benchmark: its word, one line, and what it does with the words that follow it.
struct Benchmark {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> ExitCode,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark { name: "compaction", about: mail::compaction::ABOUT, run: mail::compaction::run },
    Benchmark { name: "law", about: law::ABOUT, run: law::run },
    Benchmark { name: "mail", about: mail::ABOUT, run: mail::run },
    Benchmark { name: "memory", about: mail::memory::ABOUT, run: mail::memory::run },
    Benchmark { name: "vault", about: vault::ABOUT, run: vault::run },
    Benchmark { name: "search", about: search::ABOUT, run: search::run },
];

/// `cargo xtask bench NAME …`.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let found = words.split_first().and_then(|(name, rest)| {
        BENCHMARKS.iter().find(|benchmark| benchmark.name == name).map(|benchmark| (benchmark, rest))
    });
    match found {
        Some((benchmark, rest)) => (benchmark.run)(rest),
        None => {
            println!("cargo xtask bench NAME\n");
            for benchmark in BENCHMARKS {
                println!("  {:<10}  {}", benchmark.name, benchmark.about);
            }
            ExitCode::from(2)
        }
    }
}
