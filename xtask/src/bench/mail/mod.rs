//! `cargo xtask bench mail`: the node and Debian's Dovecot on loopback, on the same disk, driven by the same client, round
//! and round about. What it measures and how fair it is: `docs/benchmarks.md`.

mod client;
pub(crate) mod compaction;
mod corpus;
mod dovecot;
mod machine;
pub(crate) mod memory;
mod meter;
mod node;
mod random;
mod report;
mod row;
mod service;
mod stage;
mod work;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering;

use self::machine::Machine;
use self::report::Report;
use self::row::{Row, measured};
use self::service::{Kind, PASSWORD, Service};
use self::stage::{FULL, QUICK, Sizes, Stage};
use crate::tree::root;

/// For the list of benchmarks.
pub(crate) const ABOUT: &str = "the store and the doors beside Dovecot";

const HELP: &str = "cargo xtask bench mail [OPTIONS]

  --quick          small sizes, some two minutes
  --users N        accounts to deliver to (100)
  --messages N     messages of a delivery row (5000)
  --big N          messages of the mailbox that is read (20000)
  --large N        messages of the mailbox that is only listed (100000)
  --idle N         idle connections (2000)
  --rounds N       alternating rounds (3)
  --only A,B       these rows alone; --rows names them
  --with A,B       others than Dovecot's plain mdbox beside the node: crypt, xapian (crypt); none: the node alone
  --binary PATH    a program that is built already
  --scratch DIR    where the services keep their mail (target/bench/mail); emptied before and after
  --keep           leave it
  --json FILE      where the figures go (target/bench/mail.json)
";

/// What was asked for.
struct Wish {
    sizes: Sizes,
    only: Vec<String>,
    kinds: Vec<Kind>,
    binary: Option<PathBuf>,
    scratch: PathBuf,
    keep: bool,
    json: PathBuf,
}

/// `cargo xtask bench mail …`.
pub(crate) fn run(words: &[String]) -> ExitCode {
    if words.iter().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if words.iter().any(|word| word == "--rows") {
        work::ROWS.iter().for_each(|row| println!("  {:<20}  {}", row.name, row.about));
        return ExitCode::SUCCESS;
    }
    match wish(words).and_then(|wish| bench(&wish)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench mail: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wish(words: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        sizes: if words.iter().any(|word| word == "--quick") { QUICK } else { FULL },
        only: Vec::new(),
        // Xapian's index of substrings takes minutes for a few thousand messages: only on request.
        kinds: vec![Kind::Node, Kind::Mdbox, Kind::Crypt],
        binary: None,
        scratch: root().join("target/bench/mail"),
        keep: false,
        json: root().join("target/bench/mail.json"),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        let number = |text: &String| text.parse().map_err(|_| format!("{word} wants a number"));
        match word.as_str() {
            "--quick" => {}
            "--keep" => wish.keep = true,
            "--users" => wish.sizes.users = number(value()?)?,
            "--messages" => wish.sizes.messages = number(value()?)?,
            "--big" => wish.sizes.big = number(value()?)?,
            "--large" => wish.sizes.large = number(value()?)?,
            "--idle" => wish.sizes.idle = number(value()?)?,
            "--rounds" => wish.sizes.rounds = number(value()?)?,
            "--only" => wish.only = value()?.split(',').map(str::to_owned).collect(),
            "--with" => wish.kinds = kinds(value()?)?,
            "--binary" => wish.binary = Some(PathBuf::from(value()?)),
            "--scratch" => wish.scratch = PathBuf::from(value()?),
            "--json" => wish.json = PathBuf::from(value()?),
            _ => return Err(format!("`{word}` is not known\n\n{HELP}")),
        }
    }
    let sizes = &wish.sizes;
    if [sizes.users, sizes.messages, sizes.big, sizes.rounds].contains(&0) {
        return Err("users, messages, big and rounds are at least 1".to_owned());
    }
    match wish.only.iter().find(|name| work::ROWS.iter().all(|row| row.name != **name)) {
        Some(unknown) => Err(format!("there is no row `{unknown}`; --rows names them")),
        None => Ok(wish),
    }
}

fn kinds(list: &str) -> Result<Vec<Kind>, String> {
    let mut kinds = vec![Kind::Node];
    if list == "none" {
        return Ok(kinds);
    }
    kinds.push(Kind::Mdbox);
    for name in list.split(',').filter(|name| !name.is_empty()) {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let kind = kind.ok_or_else(|| format!("there is no `{name}`"))?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn bench(wish: &Wish) -> Result<(), String> {
    let binary = match &wish.binary {
        Some(binary) => binary.clone(),
        None => built()?,
    };
    let rows: Vec<&Row> = work::ROWS
        .iter()
        .filter(|row| wish.only.is_empty() || wish.only.iter().any(|name| row.name == name))
        .filter(|row| wish.sizes.large > 0 || !row.name.ends_with("-large"))
        .collect();
    let kinds: Vec<Kind> =
        wish.kinds.iter().copied().filter(|kind| rows.iter().any(|row| row.kinds.contains(kind))).collect();
    if kinds.iter().any(|kind| *kind != Kind::Node) {
        dovecot::install(kinds.contains(&Kind::Xapian))?;
    }
    clear(&wish.scratch)?;
    let outcome = compare(wish, binary, &rows, &kinds);
    if !wish.keep {
        clear(&wish.scratch)?;
    }
    outcome
}

fn compare(wish: &Wish, binary: PathBuf, rows: &[&Row], kinds: &[Kind]) -> Result<(), String> {
    let machine = Machine::measure(&wish.scratch)?;
    let stage = Stage::new(wish.sizes.clone(), binary);
    let mut report = Report::new(&stage, machine);
    let mut services = Vec::new();
    for kind in kinds {
        eprintln!("{}: making {} accounts and filling mailboxes", kind.name(), stage.sizes.users);
        let service = Service::found(*kind, &wish.scratch, &stage.binary, &stage.users())?;
        let filled = measured(&service, 1, || stage.fill(&service).map(|()| 0))?;
        report.once(format!("filling the mailboxes that are read at {}", kind.name()), filled);
        report.exact = service.is_exact();
        service.settle();
        // Once: what a service does at the first sign-in after much mail came, and in the background because of it.
        let mut session = None;
        let first = measured(&service, 1, || {
            session = Some(client::Imap::selected(service.imap(), &stage::big(), PASSWORD, "INBOX")?);
            Ok(0)
        })?;
        report.once(format!("first LOGIN + SELECT of the big mailbox at {}", kind.name()), first);
        if *kind == Kind::Node {
            let folded = measured(&service, 1, || Ok(service.settle()))?;
            report.once(format!("index of the big mailbox, folded beside that session, at {}", kind.name()), folded);
        }
        drop(session);
        let index = measured(&service, 1, || service.index(&stage::big()).map(u64::from))?;
        if index.found > 0 {
            report.once(format!("index of the big mailbox by doveadm at {}", kind.name()), index);
        }
        services.push(service);
    }
    for round in 0..stage.sizes.rounds {
        stage.round.store(round, Ordering::Relaxed);
        for row in rows {
            // Who was first is last in the next round.
            let count = services.len();
            for at in 0..count {
                let service = &mut services[(at + round) % count];
                if !row.kinds.contains(&service.kind) || (row.once && round + 1 < stage.sizes.rounds) {
                    continue;
                }
                // What the row before left to be done in the background is not this row's.
                service.settle();
                let kind = service.kind;
                match (row.run)(&stage, service) {
                    Ok(sample) => report.take(row, kind, sample),
                    Err(error) => report.fail(row, kind, error),
                }
            }
            eprintln!("round {}: {}", round + 1, report.line_of_round(row, kinds));
        }
    }
    drop(services);
    println!("{}", report.table(rows, kinds));
    service::write(&wish.json, &report.json(rows, kinds))?;
    println!("figures: {}", wish.json.display());
    report.missed_bars()
}

/// Builds the program as it is shipped.
fn built() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--locked", "--bin", "bailiwick"];
    let status = Command::new(cargo).current_dir(root()).args(arguments).status().map_err(|error| error.to_string())?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    if status.success() { Ok(target.join("release/bailiwick")) } else { Err("the program does not build".to_owned()) }
}

/// Empties a folder that is ours by its name.
fn clear(scratch: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", scratch.display());
    for kind in Kind::ALL {
        let dir = scratch.join(kind.name());
        if dir.exists() {
            std::fs::remove_dir_all(&dir).map_err(failed)?;
        }
    }
    std::fs::create_dir_all(scratch).map_err(failed)
}
