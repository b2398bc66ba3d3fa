//! The README is a promise: its transcript is run here, command by command, and what it shows must come.
//!
//! `…` stands for anything: within a line, or, alone on a line, for any lines. The ports are moved, so that the test and a
//! demo of yours can run at the same time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{PROGRAM, free_ports, root};

/// A command of the transcript and the lines it shows.
struct Shown {
    command: String,
    lines: Vec<String>,
}

fn transcript(readme: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside {
            match line.strip_prefix("$ ") {
                Some(command) => shown.push(Shown { command: command.to_owned(), lines: Vec::new() }),
                None => shown.last_mut().unwrap().lines.push(line.to_owned()),
            }
        }
    }
    shown
}

/// Whether `got` is what `line` shows, `…` standing for anything.
fn matches_line(line: &str, got: &str) -> bool {
    let mut parts = line.split('…');
    let mut rest = match got.strip_prefix(parts.next().unwrap()) {
        Some(rest) => rest,
        None => return false,
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether `got` is what `lines` show, a line of `…` alone standing for any lines.
fn matches(lines: &[String], got: &[String]) -> bool {
    match lines.split_first() {
        None => got.is_empty(),
        Some((line, rest)) if line == "…" => (0..=got.len()).any(|skip| matches(rest, &got[skip..])),
        Some((line, rest)) => {
            got.split_first().is_some_and(|(first, more)| matches_line(line, first) && matches(rest, more))
        }
    }
}

/// Moves the demo's ports 25000 to 25299 to `base` and on.
fn moved(line: &str, base: u16) -> String {
    let mut out = String::new();
    for (index, piece) in line.split("127.0.0.1:").enumerate() {
        if index == 0 {
            out.push_str(piece);
            continue;
        }
        let port: u16 = piece[..5].parse().unwrap();
        out.push_str(&format!("127.0.0.1:{}{}", port - 25_000 + base, &piece[5..]));
    }
    out
}

/// The demo, stopped when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn the_transcript_is_true() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut shown = transcript(&readme).into_iter();
    let scratch = tempfile::tempdir().unwrap();
    // A folder that looks like the checkout to the commands of the transcript.
    std::os::unix::fs::symlink(root().join("law"), scratch.path().join("law")).unwrap();
    let base = free_ports();

    let first = shown.next().unwrap();
    let args =
        first.command.strip_prefix("cargo run --release --bin bailiwick -- ").expect("the first command runs the demo");
    let demo = Command::new(PROGRAM)
        .args(args.split(' '))
        .args(["--ports", &base.to_string()])
        .current_dir(scratch.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut demo = Running(demo);
    let mut got = Vec::new();
    for line in BufReader::new(demo.0.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let last = line.contains("Ctrl-C");
        got.push(line);
        if last {
            break;
        }
    }
    let expected: Vec<String> = first.lines.iter().map(|line| moved(line, base)).collect();
    assert!(matches(&expected, &got), "the demo shows\n{}\nand the README\n{}", got.join("\n"), expected.join("\n"));

    try_what_it_says(&got, scratch.path());

    let second = shown.next().unwrap();
    assert_eq!(second.command, "cargo test --release", "the second command passes the tests; this is one of them");

    let state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.path().join("demo-data/demo.json")).unwrap()).unwrap();
    let mut ran = 0;
    let mut environment = Vec::new();
    for shown in shown {
        match shown.command.strip_prefix("export ") {
            Some(variable) => {
                let (name, value) = variable.split_once('=').unwrap();
                environment.push((name.to_owned(), value.to_owned()));
            }
            None => check(&shown, scratch.path(), &state, &environment),
        }
        ran += 1;
    }
    assert!(ran >= 8, "the story of the README has {ran} commands");
}

/// Runs the commands that the demo itself prints under "Try", in a folder that looks like the checkout.
fn try_what_it_says(said: &[String], folder: &Path) {
    let program = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    std::fs::copy(root().join("README.md"), folder.join("README.md")).unwrap();
    let commands: Vec<&str> = said
        .iter()
        .skip_while(|line| !line.starts_with("Try"))
        .filter_map(|line| line.strip_prefix("  "))
        // What opens a case would change the numbers of the transcript below.
        .filter(|command| !command.contains("demand serve"))
        .collect();
    assert!(commands.len() >= 3, "{said:?}");
    for command in commands {
        if command.starts_with("curl") && !crate::support::has_tool("curl") {
            continue;
        }
        let output = Command::new("sh").args(["-c", command]).env("PATH", &path).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn check(shown: &Shown, folder: &Path, state: &serde_json::Value, environment: &[(String, String)]) {
    let args: Vec<&str> =
        shown.command.strip_prefix("bailiwick ").expect("commands are bailiwick's").split(' ').collect();
    // What a person types at a prompt.
    let prompt = shown.lines.iter().find_map(|line| line.strip_prefix("Passphrase of officer ")?.strip_suffix(':'));
    let typed = prompt.map_or(String::new(), |name| {
        let officers = state["nodes"][0]["officers"].as_array().unwrap();
        officers.iter().find(|officer| officer["name"] == name).unwrap()["passphrase"].as_str().unwrap().to_owned()
    });
    let mut child = Command::new(PROGRAM)
        .args(&args)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::Write;
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}: {text}{}", shown.command, String::from_utf8_lossy(&output.stderr));
    let got: Vec<String> = text.lines().map(str::to_owned).collect();
    let expected: Vec<String> =
        shown.lines.iter().filter(|line| !line.starts_with("Passphrase of ")).cloned().collect();
    assert!(matches(&expected, &got), "{} shows\n{text}\nand the README\n{}", shown.command, expected.join("\n"));
}
