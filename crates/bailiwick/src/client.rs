//! The command line's side of the control door: finds the node, asks, prints.
//!
//! A running node is asked through its socket. When none runs, its directory is opened here and the same
//! [`Control`](doors::control::Control) answers, so that every command works either way.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use doors::control::{Control, DEMAND_BYTES_MAX, Outcome, Phrase, Progress, Reply, Request, Shown};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use terms::{OfficerName, Secret};

use crate::cli::{CaseArgs, CaseCommand, DemandArgs, DemandCommand, ExportArgs, ImportArgs, NodeChoice};
use crate::node::Node;
use crate::owner;

/// `node status`
pub(crate) fn status(node: &NodeChoice) -> Result<ExitCode, String> {
    ask(node, Request::Status)
}

/// `node compact`
pub(crate) fn compact(node: &NodeChoice) -> Result<ExitCode, String> {
    ask(node, Request::Compact)
}

/// `import`
pub(crate) fn import(args: &ImportArgs) -> Result<ExitCode, String> {
    let source = std::fs::canonicalize(&args.source).map_err(|error| format!("{}: {error}", args.source.display()))?;
    ask(
        &args.node,
        Request::Import {
            address: args.account.clone(),
            mailbox: args.mailbox.clone(),
            source: utf8(&source)?.to_owned(),
        },
    )
}

/// `export`
pub(crate) fn export(args: &ExportArgs) -> Result<ExitCode, String> {
    let target = std::path::absolute(&args.target).map_err(|error| format!("{}: {error}", args.target.display()))?;
    let Shown { password, code } = owner::shown(&args.node, &args.account)?;
    let target = utf8(&target)?.to_owned();
    ask(&args.node, Request::Export { address: args.account.clone(), password, code, target })
}

/// `node unlock`
pub(crate) fn unlock(node: &NodeChoice, holder: Option<OfficerName>) -> Result<ExitCode, String> {
    let prompt = match &holder {
        Some(holder) => format!("Passphrase of key holder {holder}"),
        None => "The node's own passphrase".to_owned(),
    };
    let passphrase = Phrase(secret(&prompt)?);
    ask(node, Request::NodeUnlock { holder, passphrase })
}

/// `node unlock --token`
pub(crate) fn unlock_by_token(node: &NodeChoice) -> Result<ExitCode, String> {
    ask(node, Request::NodeUnlockToken { pin: Phrase(secret("PIN of the token")?) })
}

/// `demand …`
pub(crate) fn demand(args: &DemandArgs) -> Result<ExitCode, String> {
    let DemandCommand::Serve { file, node } = &args.command;
    ask(node, Request::DemandServe { text: demand_text(file)? })
}

/// `case …`
pub(crate) fn case(args: &CaseArgs) -> Result<ExitCode, String> {
    match &args.command {
        CaseCommand::List(node) => ask(node, Request::CaseList),
        CaseCommand::Show { case, node } => ask(node, Request::CaseShow { case: *case }),
        CaseCommand::Approve { case, officer, node } => {
            // Nobody is asked for a passphrase in vain.
            answer(node, Request::CaseApprovable { case: *case, officer: officer.clone() })?;
            let passphrase = Phrase(secret(&format!("Passphrase of officer {officer}"))?);
            ask(node, Request::CaseApprove { case: *case, officer: officer.clone(), passphrase })
        }
        CaseCommand::Collect { case, node } => ask(node, Request::CaseCollect { case: *case }),
        CaseCommand::Refuse { case, node } => ask(node, Request::CaseRefuse { case: *case }),
    }
}

/// Reads a demand file, within its limit.
pub(crate) fn demand_text(file: &Path) -> Result<String, String> {
    let name = file.display();
    let length = std::fs::metadata(file).map_err(|error| format!("{name}: {error}"))?.len();
    if length > DEMAND_BYTES_MAX as u64 {
        return Err(format!("{name} has {length} bytes; a demand has at most {DEMAND_BYTES_MAX}"));
    }
    std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))
}

/// Sends `request` to the node and prints what comes back.
pub(crate) fn ask(choice: &NodeChoice, request: Request) -> Result<ExitCode, String> {
    let Outcome { text, data } = answer(choice, request)?;
    print(choice.json, &text, &data);
    Ok(ExitCode::SUCCESS)
}

/// Sends `request` to the node.
pub(crate) fn answer(choice: &NodeChoice, request: Request) -> Result<Outcome, String> {
    answer_from(choice, request).map(|(outcome, _)| outcome)
}

/// Sends `request` to the node; the answer, and whether the node runs.
pub(crate) fn answer_from(choice: &NodeChoice, request: Request) -> Result<(Outcome, bool), String> {
    let bar = if matches!(request, Request::Backup(_)) { bytes_bar() } else { progress_bar() };
    let mut progress = |progress: Progress| advance(&bar, &progress);
    let result = match UnixStream::connect(Node::control_path(&choice.node)) {
        Ok(stream) => converse(stream, &request, &mut progress).map(|outcome| (outcome, true)),
        // No node runs there: open its directory here.
        Err(_) => Node::open(&choice.node)
            .map_err(|error| error.to_string())
            .and_then(|node| node.handle(request, &mut progress))
            .map(|outcome| (outcome, false)),
    };
    bar.finish_and_clear();
    result
}

/// Prints an answer: its text for a person, its data for a script.
pub(crate) fn print(json: bool, text: &str, data: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // A reader that went away (`| head`) is no error of ours.
    let _ = if json { writeln!(out, "{data}") } else { writeln!(out, "{}", text.trim_end_matches('\n')) };
}

/// Prints a line for a person. Standard output is a pipe often enough: a reader that went away (`| head`) is no error of
/// ours, where `println!` would panic.
pub(crate) fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn converse(mut stream: UnixStream, request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Outcome, String> {
    let lost = |error: std::io::Error| format!("the node broke off: {error}");
    let mut line = Secret::new(serde_json::to_string(request).map_err(|error| error.to_string())?);
    stream.write_all(line.expose().as_bytes()).and_then(|()| stream.write_all(b"\n")).map_err(lost)?;
    line = Secret::new(String::new());
    drop(line);
    for reply in BufReader::new(stream).lines() {
        match serde_json::from_str(&reply.map_err(lost)?).map_err(|error| format!("the node's answer: {error}"))? {
            Reply::Progress(news) => progress(news),
            Reply::Ok(outcome) => return Ok(outcome),
            Reply::Error(text) => return Err(text),
        }
    }
    Err("the node broke off without an answer; look at its log, then try again".to_owned())
}

/// Moves a bar to where a job is.
pub(crate) fn advance(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
    bar.set_message(if progress.failed > 0 { format!("{} failed", progress.failed) } else { String::new() });
}

/// A bar that counts bytes.
pub(crate) fn bytes_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} messages, {rate}, {eta} left {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        });
    // indicatif draws nothing when standard error is no terminal.
    ProgressBar::new(0).with_style(style)
}

/// Asks for a secret: without echo on a terminal, else one line of standard input.
pub(crate) fn secret(prompt: &str) -> Result<Secret<String>, String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{prompt}: ")).map(Secret::new).map_err(|error| error.to_string());
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
    let secret = Secret::new(line.trim_end_matches(['\r', '\n']).to_owned());
    drop(Secret::new(line));
    if secret.expose().is_empty() {
        return Err(format!("{prompt}: nothing came on standard input"));
    }
    Ok(secret)
}

/// Asks for a new secret, twice on a terminal.
pub(crate) fn new_secret(prompt: &str) -> Result<Secret<String>, String> {
    let first = secret(prompt)?;
    if std::io::stdin().is_terminal() && *secret(&format!("{prompt}, again"))?.expose() != *first.expose() {
        return Err("the two are not the same; nothing was changed".to_owned());
    }
    Ok(first)
}

pub(crate) fn utf8(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{}: the path must be UTF-8", path.display()))
}
