//! What takes longer than a change should wait for: the tests that ask for more when `BAILIWICK_NIGHTLY` is set, many
//! rounds of the tests that draw their inputs (each round draws others), everything once more with debug assertions,
//! and the documentation.
//!
//! A step is a line in a table. A test that has a larger world asks for the variable and needs no line here.
//! `rounds` takes about seven minutes a round on two processors, so there are three: anyone who waits for the night's result
//! before a change lands has it in half an hour. `--rounds 30` is for a night when nobody waits.
//! Ignored tests stay ignored: those that there are write the fixtures of a new format version.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::tree::root;

/// For the list of commands.
pub(crate) const ABOUT: &str =
    "Run what takes longer; `nightly STEP…` runs some, `nightly --list` names them, `--rounds N` draws more inputs";

/// One step: a cargo command under an environment, a number of times.
struct Step {
    name: &'static str,
    about: &'static str,
    cargo: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    rounds: Rounds,
}

/// How often a step runs.
#[derive(Clone, Copy)]
enum Rounds {
    /// Once: a second time would do the same.
    Once,
    /// This many times, on fresh inputs each time, unless `--rounds` gives another number.
    Drawn(u32),
}

impl Rounds {
    fn count(self, wanted: Option<u32>) -> u32 {
        match self {
            Self::Once => 1,
            Self::Drawn(usual) => wanted.unwrap_or(usual),
        }
    }
}

const STEPS: &[Step] = &[
    Step {
        name: "large",
        about: "every test, with what it does only when BAILIWICK_NIGHTLY is set",
        cargo: &["test", "--release", "--locked", "--workspace"],
        variables: &[],
        rounds: Rounds::Once,
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
            "keeper",
            "-p",
            "store",
            "-p",
            "desk",
        ],
        variables: &[("PROPTEST_CASES", "5000")],
        rounds: Rounds::Drawn(3),
    },
    Step {
        name: "checked",
        about: "every test once more with debug assertions",
        cargo: &["test", "--release", "--locked", "--workspace"],
        variables: &[("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true"), ("CARGO_TARGET_DIR", "target/nightly")],
        rounds: Rounds::Once,
    },
    Step {
        name: "documents",
        about: "the documentation builds and no link in it is broken, private items included",
        cargo: &["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"],
        // Links to private items are for people who read the source, and they are built here.
        variables: &[(
            "RUSTDOCFLAGS",
            "-D warnings -A rustdoc::private_intra_doc_links -A rustdoc::redundant_explicit_links",
        )],
        rounds: Rounds::Once,
    },
];

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    steps: Vec<&'a str>,
    rounds: Option<u32>,
    list: bool,
}

/// Reads `[--list] [--rounds N] [STEP…]`; an error names what is wrong with it.
fn wanted(arguments: &[String]) -> Result<Wanted<'_>, String> {
    let mut wanted = Wanted { steps: Vec::new(), rounds: None, list: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--list" => wanted.list = true,
            "--rounds" => {
                let number = rest.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                wanted.rounds = Some(number.ok_or("--rounds wants a number of rounds, 1 or more")?);
            }
            name if STEPS.iter().any(|step| step.name == name) => wanted.steps.push(name),
            name => return Err(format!("There is no step `{name}`. The steps:")),
        }
    }
    Ok(wanted)
}

/// `cargo xtask nightly [--list] [--rounds N] [STEP…]`.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let wanted = match wanted(arguments) {
        Ok(wanted) if !wanted.list => wanted,
        listed => {
            let unknown = listed.err();
            if let Some(why) = &unknown {
                eprintln!("{why}");
            }
            for step in STEPS {
                println!("  {:<10}  {}", step.name, step.about);
            }
            return if unknown.is_some() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| wanted.steps.is_empty() || wanted.steps.contains(&step.name)) {
        let rounds = step.rounds.count(wanted.rounds);
        for round in 1..=rounds {
            let began = Instant::now();
            println!("nightly: {} ({round} of {rounds}): {}", step.name, step.about);
            let passed = pass(step);
            let outcome = if passed { "passed" } else { "FAILED" };
            println!("nightly: {} ({round} of {rounds}) {outcome} in {:.0?}", step.name, began.elapsed());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_rounds_for_the_step_that_draws() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let asked = words("rounds --rounds 30");
        let read = wanted(&asked).unwrap();
        assert_eq!(read, Wanted { steps: vec!["rounds"], rounds: Some(30), list: false });
        let of = |name: &str, rounds| STEPS.iter().find(|step| step.name == name).unwrap().rounds.count(rounds);
        assert_eq!((of("rounds", read.rounds), of("rounds", None), of("large", read.rounds)), (30, 3, 1));
        for bad in ["--rounds", "--rounds 0", "--rounds many", "round"] {
            assert!(wanted(&words(bad)).is_err(), "{bad}");
        }
    }
}
