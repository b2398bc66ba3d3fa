//! Automation that belongs to the project, in Rust so that a machine with cargo can run all of it.
//!
//! `cargo xtask` lists the commands. House rules are tests (see [`tidy`]): `cargo test` runs them too.

mod bench;
mod layers;
mod markdown;
mod modules;
mod nightly;
mod rfc;
mod rust;
mod tidy;
mod tree;

use std::process::ExitCode;

/// One command: its name, one line for the list, and the function that takes its arguments.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> ExitCode,
}

const COMMANDS: &[Command] = &[
    Command { name: "tidy", about: tidy::ABOUT, run: tidy::run },
    Command { name: "words", about: tidy::WORDS_ABOUT, run: tidy::list_words },
    Command { name: "rfc", about: rfc::ABOUT, run: rfc::run },
    Command { name: "bench", about: bench::ABOUT, run: bench::run },
    Command { name: "nightly", about: nightly::ABOUT, run: nightly::run },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = words.split_first() else {
        list();
        return ExitCode::SUCCESS;
    };
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => {
            eprintln!("There is no command `{name}`.");
            list();
            ExitCode::from(2)
        }
    }
}

fn list() {
    println!("cargo xtask COMMAND\n");
    for command in COMMANDS {
        println!("  {:<8}  {}", command.name, command.about);
    }
}
