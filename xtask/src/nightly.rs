//! What takes longer than a change should wait for.
//!
//! The same tests, told by `BAILIWICK_NIGHTLY=1` to take the large world instead of the small one (the whole corpus
//! instead of a slice of it), property tests with many more cases and fresh seeds each round, and then all of it once
//! more with overflow and debug assertions on. A step is a line in a table; a longer test asks for the variable and
//! needs no line of its own.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::tree::root;

/// For the list of commands.
pub(crate) const ABOUT: &str = "Run what takes longer; `nightly STEP…` runs some, `nightly --list` names them";

/// One step: a cargo command under an environment, a number of times.
struct Step {
    name: &'static str,
    about: &'static str,
    cargo: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    rounds: u32,
}

const STEPS: &[Step] = &[
    Step {
        name: "large",
        about: "every test, with the large inputs, and the tests that are ignored by day",
        cargo: &["test", "--release", "--workspace", "--", "--include-ignored"],
        variables: &[],
        rounds: 1,
    },
    Step {
        name: "properties",
        about: "the property tests of the rooms that read outside input, many cases, a fresh seed each round",
        cargo: &[
            "test",
            "--release",
            "--lib",
            "--tests",
            "-p",
            "terms",
            "-p",
            "message",
            "-p",
            "smtp",
            "-p",
            "imap",
            "-p",
            "rules",
            "-p",
            "ledger",
            "-p",
            "vault",
            "-p",
            "store",
        ],
        variables: &[("PROPTEST_CASES", "20000"), ("PROPTEST_MAX_SHRINK_TIME", "60000")],
        rounds: 5,
    },
    Step {
        name: "checked",
        about: "every test once more with debug assertions",
        cargo: &["test", "--release", "--workspace"],
        variables: &[("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"), ("CARGO_TARGET_DIR", "target/nightly")],
        rounds: 1,
    },
    Step {
        name: "documents",
        about: "the documentation builds without a warning, private items included",
        cargo: &["doc", "--workspace", "--no-deps", "--document-private-items"],
        variables: &[("RUSTDOCFLAGS", "-D warnings")],
        rounds: 1,
    },
];

/// `cargo xtask nightly [--list | STEP…]`.
pub(crate) fn run(wanted: &[String]) -> ExitCode {
    let unknown = wanted.iter().find(|name| STEPS.iter().all(|step| step.name != **name));
    if let Some(unknown) = unknown {
        if unknown != "--list" {
            eprintln!("There is no step `{unknown}`. The steps:");
        }
        for step in STEPS {
            println!("  {:<10}  {}", step.name, step.about);
        }
        return if unknown == "--list" { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| wanted.is_empty() || wanted.iter().any(|name| step.name == name)) {
        for round in 1..=step.rounds {
            let began = Instant::now();
            println!("nightly: {} ({round} of {}): {}", step.name, step.rounds, step.about);
            let passed = pass(step);
            let outcome = if passed { "passed" } else { "FAILED" };
            println!("nightly: {} ({round} of {}) {outcome} in {:.0?}", step.name, step.rounds, began.elapsed());
            if !passed {
                failed.push(step.name);
                break;
            }
        }
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("nightly: failed: {}", failed.join(", "));
        ExitCode::FAILURE
    }
}

fn pass(step: &Step) -> bool {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(step.cargo).env("BAILIWICK_NIGHTLY", "1").envs(step.variables.iter().copied());
    command.status().is_ok_and(|status| status.success())
}
