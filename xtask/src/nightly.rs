//! What takes longer than a change should wait for: the tests that ask for more when `BAILIWICK_NIGHTLY` is set, many
//! rounds of the tests that draw their inputs (each round draws others), everything once more with debug assertions,
//! and the documentation.
//!
//! A step is a line in a table. A test that has a larger world asks for the variable and needs no line of its own.
//! Ignored tests stay ignored: those that there are write the fixtures of a new format version.

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
        about: "every test, with what it does only when BAILIWICK_NIGHTLY is set",
        cargo: &["test", "--release", "--locked", "--workspace"],
        variables: &[],
        rounds: 1,
    },
    Step {
        name: "rounds",
        about: "the rooms that read outside input or survive a power cut, on fresh inputs each round",
        cargo: &[
            "test",
            "--release",
            "--locked",
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
            "-p",
            "desk",
        ],
        variables: &[("PROPTEST_CASES", "5000")],
        rounds: 30,
    },
    Step {
        name: "checked",
        about: "every test once more with debug assertions",
        cargo: &["test", "--release", "--locked", "--workspace"],
        variables: &[("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"), ("CARGO_TARGET_DIR", "target/nightly")],
        rounds: 1,
    },
    Step {
        name: "documents",
        about: "the documentation builds and no link in it is broken, private items included",
        cargo: &["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"],
        // Links to private items are for whoever reads the source, and they are built here.
        variables: &[(
            "RUSTDOCFLAGS",
            "-D warnings -A rustdoc::private_intra_doc_links -A rustdoc::redundant_explicit_links",
        )],
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
