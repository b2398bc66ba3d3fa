//! The command line's side of the control door: finds the node, asks, prints.
//!
//! A running node is asked through its socket. When none runs, its directory is opened here and the same table of operations
//! answers, so that every command works either way.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use operations::handle::NodeHandle;
use operations::node::{Node, PASSWORD_CHARS_MIN, Quiet};
use operations::operation::{Progress, SecretText, Unit};
use operations::table::{Answer, Listed, Reply, Request, Response};
use serde::Serialize;
use terms::{OfficerName, Secret};

use super::choice::NodeChoice;
use super::error::CliError;

/// Asks the node, and prints the result: `text` makes what people read of it.
pub(super) fn ask_and_print<O>(
    choice: &NodeChoice,
    operation: O,
    text: impl FnOnce(&O::Output) -> String,
) -> Result<ExitCode, CliError>
where
    O: Listed,
    O::Output: Serialize,
{
    let output = ask(choice, operation)?;
    print(choice.json, &output, text)?;
    Ok(ExitCode::SUCCESS)
}

/// Asks the node.
pub(super) fn ask<O: Listed>(choice: &NodeChoice, operation: O) -> Result<O::Output, CliError> {
    ask_from(choice, operation).map(|(output, _)| output)
}

/// Asks the node; the result, and whether the node runs.
pub(super) fn ask_from<O: Listed>(choice: &NodeChoice, operation: O) -> Result<(O::Output, bool), CliError> {
    let (dir, request) = (choice.path()?, operation.into_request());
    let mut bar = Bar::default();
    let (response, runs) = match UnixStream::connect(Node::control_path(dir)) {
        Ok(stream) => (converse(stream, &request, &mut bar), true),
        Err(_) => (answer_here(dir, request, &mut bar), false),
    };
    bar.finish();
    let output = O::output(response?).ok_or_else(|| CliError::OddAnswer("another operation's result".to_owned()))?;
    Ok((output, runs))
}

/// Opens the directory of a node that does not run.
fn answer_here(dir: &Path, request: Request, bar: &mut Bar) -> Result<Response, CliError> {
    let handle = NodeHandle::start(dir, Arc::new(Quiet))?;
    // Where people unlock it, it stays locked here; most requests then say so.
    handle.unlock_unattended()?;
    Ok(handle.answer(request, &mut |progress| bar.advance(&progress))?)
}

fn converse(mut stream: UnixStream, request: &Request, bar: &mut Bar) -> Result<Response, CliError> {
    let line = serde_json::to_string(request).map_err(|error| CliError::OddAnswer(error.to_string()))?;
    let line = Secret::new(line);
    stream.write_all(line.expose().as_bytes()).and_then(|()| stream.write_all(b"\n")).map_err(CliError::Lost)?;
    drop(line);
    for reply in BufReader::new(stream).lines() {
        let reply = Secret::new(reply.map_err(CliError::Lost)?);
        match serde_json::from_str(reply.expose()).map_err(|error| CliError::OddAnswer(error.to_string()))? {
            Reply::Progress(progress) => bar.advance(&progress),
            Reply::Ok(response) => return Ok(*response),
            Reply::Error(error) => return Err(error.into()),
        }
    }
    Err(CliError::NoAnswer)
}

/// Prints a result: as it is for a script, or the text that `text` makes of it for a person.
pub(super) fn print<T: Serialize>(json: bool, result: &T, text: impl FnOnce(&T) -> String) -> Result<(), CliError> {
    if json {
        say(serde_json::to_string(result).map_err(|error| CliError::Program(error.to_string()))?);
    } else {
        say(text(result).trim_end_matches('\n'));
    }
    Ok(())
}

/// Prints a line. Standard output is a pipe often enough: a reader that went away (`| head`) is not an error of ours, where
/// `println!` would panic.
pub(crate) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// How far a long job is, on standard error; nothing when that is not a terminal, or the job reports nothing.
#[derive(Default)]
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// Moves the bar to where the job is.
    pub(super) fn advance(&mut self, progress: &Progress) {
        let bar = self.0.get_or_insert_with(|| bar_of(progress.unit));
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(if progress.failed > 0 { format!("{} failed", progress.failed) } else { String::new() });
    }

    /// Removes it.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn bar_of(unit: Unit) -> ProgressBar {
    let template = match unit {
        Unit::Messages => "{bar:40} {pos} of {len} messages, {rate}, {eta} left {msg}",
        Unit::Accounts => "{bar:40} {pos} of {len} accounts, {rate}, {eta} left {msg}",
        Unit::Bytes => "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key(
        "rate",
        |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        },
    );
    ProgressBar::new(0).with_style(style)
}

/// Asks for a secret: without echo on a terminal, else one line of standard input.
pub(super) fn secret(prompt: &str) -> Result<SecretText, CliError> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password(format!("{prompt}: "));
        return typed.map(|typed| SecretText(Secret::new(typed))).map_err(CliError::Terminal);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(CliError::Terminal)?;
    let secret = Secret::new(line.trim_end_matches(['\r', '\n']).to_owned());
    drop(Secret::new(line));
    if secret.expose().is_empty() {
        return Err(CliError::NothingTyped(prompt.to_owned()));
    }
    Ok(SecretText(secret))
}

/// Asks for a new secret, twice on a terminal.
pub(super) fn new_secret(prompt: &str) -> Result<SecretText, CliError> {
    let first = secret(prompt)?;
    if std::io::stdin().is_terminal() && secret(&format!("{prompt}, again"))?.expose() != first.expose() {
        return Err(CliError::TypedDifferently);
    }
    Ok(first)
}

/// Asks for a new passphrase of at least so many characters as a password has.
pub(super) fn new_passphrase(prompt: &str) -> Result<SecretText, CliError> {
    let passphrase = new_secret(prompt)?;
    if passphrase.expose().chars().count() < PASSWORD_CHARS_MIN {
        return Err(CliError::ShortPassphrase);
    }
    Ok(passphrase)
}

/// Asks a person for their new passphrase.
pub(super) fn passphrase_of(who: &str, name: &OfficerName) -> Result<SecretText, CliError> {
    new_passphrase(&format!("Passphrase of {who} {name}"))
}

/// The path from the root, as the node is told it: it runs in another folder.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let path = std::path::absolute(path).map_err(CliError::at(path))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err(CliError::NotUtf8(path)),
    }
}
