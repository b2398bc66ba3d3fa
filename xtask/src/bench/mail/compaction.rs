//! `cargo xtask bench compaction`: what a pass that gives the space of deleted mail back costs those who deliver meanwhile.
//!
//! Two users get mail in turn, and the one who got more of it loses it all: segments that are more than half dead. Then the
//! same messages are delivered twice by 8 connections, once in peace and once beside a pass at the plan's rate; who was first
//! is second in the next round.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::client::{Imap, Lmtp};
use super::machine::Machine;
use super::row::{Sample, measured};
use super::service::{Kind, PASSWORD, Service, write};
use super::stage::{Sizes, Stage, big, in_threads, large};
use super::{built, clear};
use crate::tree::root;

/// For the list of benchmarks.
pub(crate) const ABOUT: &str = "delivery with and without a pass that gives space back beside it";

const HELP: &str = "cargo xtask bench compaction [OPTIONS]

  --messages N     messages of a delivery (10000)
  --thin N         messages that fill segments of which more than half is dead, each round (10000)
  --rounds N       alternating rounds (5)
  --segment-mib N  the size of a segment (64)
  --rate-mib N     MiB a second that a pass may write, 0 for no limit (16)
  --binary PATH    a program that is built already
  --scratch DIR    where the node keeps its mail (target/bench/compaction); emptied before and after
";

/// Connections that deliver.
const CONNECTIONS: usize = 8;

/// More than a delivery of the usual size and the pass beside it write.
const TOUCHED_MIB: usize = 1024;

struct Wish {
    sizes: Sizes,
    segment_mib: u32,
    rate_mib: u32,
    binary: Option<PathBuf>,
    scratch: PathBuf,
}

/// A delivery: its wall and processor time for a message, and how long each message took, in ascending order.
struct Delivery {
    sample: Sample,
    took: Vec<Duration>,
}

/// What a pass beside a delivery did.
struct Pass {
    bytes_moved: u64,
    seconds: f64,
    /// It was still under way when the last message was delivered.
    outlasted: bool,
}

/// `cargo xtask bench compaction …`.
pub(crate) fn run(words: &[String]) -> ExitCode {
    if words.iter().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match wish(words).and_then(|wish| bench(&wish)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench compaction: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wish(words: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        sizes: Sizes { users: 100, messages: 10_000, big: 10_000, large: 0, rounds: 5, idle: 0 },
        segment_mib: 64,
        rate_mib: 16,
        binary: None,
        scratch: root().join("target/bench/compaction"),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        let number = |text: &String| text.parse::<u32>().map_err(|_| format!("{word} wants a number"));
        match word.as_str() {
            "--messages" => wish.sizes.messages = number(value()?)? as usize,
            "--thin" => wish.sizes.big = number(value()?)? as usize,
            "--rounds" => wish.sizes.rounds = number(value()?)? as usize,
            "--segment-mib" => wish.segment_mib = number(value()?)?,
            "--rate-mib" => wish.rate_mib = number(value()?)?,
            "--binary" => wish.binary = Some(PathBuf::from(value()?)),
            "--scratch" => wish.scratch = PathBuf::from(value()?),
            _ => return Err(format!("`{word}` is not known\n\n{HELP}")),
        }
    }
    match [wish.sizes.messages, wish.sizes.big, wish.sizes.rounds].contains(&0) {
        true => Err("messages, thin and rounds are at least 1".to_owned()),
        false => Ok(wish),
    }
}

fn bench(wish: &Wish) -> Result<(), String> {
    let binary = match &wish.binary {
        Some(binary) => binary.clone(),
        None => built()?,
    };
    clear(&wish.scratch)?;
    let outcome = compare(wish, binary);
    clear(&wish.scratch)?;
    outcome
}

fn compare(wish: &Wish, binary: PathBuf) -> Result<(), String> {
    let machine = Machine::measure(&wish.scratch)?;
    let stage = Stage::new(wish.sizes.clone(), binary);
    let mut service = Service::found(Kind::Node, &wish.scratch, &stage.binary, &stage.users())?;
    service.stop()?;
    settings(&service, wish)?;
    service.start(&stage.binary)?;
    println!(
        "{} messages by LMTP, {CONNECTIONS} connections; segments of {} MiB, passes at {} MiB/s; {:.0} MB/s written in a row, \
         {:.0} synced appends/s, {} cores\n",
        stage.sizes.messages,
        wish.segment_mib,
        wish.rate_mib,
        machine.write_rate / 1e6,
        machine.sync_rate,
        machine.cores
    );
    println!("{:<16} {:>10} {:>9} {:>9} {:>9} {:>14}", "", "messages/s", "p50 ms", "p99 ms", "max ms", "node's CPU ms");
    let (mut alone, mut beside, mut passes) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..stage.sizes.rounds {
        thin(&stage, &service)?;
        for turn in 0..2 {
            service.settle();
            touch_memory(&wish.scratch)?;
            if (turn + round) % 2 == 0 {
                alone.push(deliver(&stage, &service)?);
                say(&format!("{}: in peace", round + 1), alone.last());
            } else {
                let (delivery, pass) = beside_a_pass(&stage, &service)?;
                beside.push(delivery);
                say(&format!("{}: beside a pass", round + 1), beside.last());
                passes.push(pass);
            }
        }
    }
    println!();
    say("median, in peace", middle(&alone));
    say("median, beside", middle(&beside));
    println!();
    for (number, pass) in passes.iter().enumerate() {
        let mb = pass.bytes_moved as f64 / 1e6;
        let share = if pass.outlasted { "all the while" } else { "IT ENDED BEFORE THE DELIVERY: take more --thin" };
        println!(
            "pass {}: {mb:.1} MB moved in {:.1} s ({:.1} MB/s), {share}",
            number + 1,
            pass.seconds,
            mb / pass.seconds
        );
    }
    match passes.iter().all(|pass| pass.bytes_moved > 0) {
        true => Ok(()),
        false => Err("a pass moved nothing".to_owned()),
    }
}

/// Deleted mail is dead at once, and passes run when they are asked for.
fn settings(service: &Service, wish: &Wish) -> Result<(), String> {
    let path = service.dir.join("node/node.toml");
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
    let mut settings: toml::Table = text.parse().map_err(|error| failed(&error))?;
    let mut insert = |table: &str, key: &str, value: i64| {
        let entry = settings.entry(table).or_insert_with(|| toml::Table::new().into());
        if let Some(table) = entry.as_table_mut() {
            table.insert(key.to_owned(), value.into());
        }
    };
    insert("mailboxes", "restorable_days", 0);
    insert("store", "segment_bytes", i64::from(wish.segment_mib) << 20);
    insert("store", "rewrite_bytes_per_second", i64::from(wish.rate_mib) << 20);
    write(&path, &settings.to_string())
}

/// Fills segments of which three parts in five are dead.
fn thin(stage: &Stage, service: &Service) -> Result<(), String> {
    in_threads(CONNECTIONS, stage.sizes.big, |numbers| {
        let mut lmtp = Lmtp::connect(service.lmtp())?;
        numbers.into_iter().try_for_each(|number| {
            let user = if number % 5 < 3 { large() } else { big() };
            lmtp.deliver(&user, &stage.mail[number])
        })
    })?;
    let mut session = Imap::selected(service.imap(), &large(), PASSWORD, "INBOX")?;
    session.ask("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
    session.ask("EXPUNGE").map(|_| ())
}

/// Writes a file and removes it. On a virtual machine, memory that nothing has touched since the host took it back costs many
/// times what other memory costs, and a pass leaves much of the other kind: the page cache of what it removes. So each
/// delivery begins with as much of it.
fn touch_memory(scratch: &Path) -> Result<(), String> {
    let path = scratch.join("memory");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&path).map_err(failed)?;
    let megabyte = vec![0x5a; 1 << 20];
    (0..TOUCHED_MIB).try_for_each(|_| file.write_all(&megabyte)).map_err(failed)?;
    std::fs::remove_file(&path).map_err(failed)
}

/// Delivers to all users, and notes how long each message took.
fn deliver(stage: &Stage, service: &Service) -> Result<Delivery, String> {
    let took = Mutex::new(Vec::with_capacity(stage.sizes.messages));
    let sample = measured(service, stage.sizes.messages, || {
        in_threads(CONNECTIONS, stage.sizes.messages, |numbers| {
            let mut lmtp = Lmtp::connect(service.lmtp())?;
            let mut own = Vec::with_capacity(numbers.len());
            for number in numbers {
                let began = Instant::now();
                lmtp.deliver(&stage.user(number), &stage.mail[number])?;
                own.push(began.elapsed());
            }
            took.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
            Ok(())
        })?;
        Ok(0)
    })?;
    let mut took = took.into_inner().unwrap_or_else(PoisonError::into_inner);
    took.sort_unstable();
    Ok(Delivery { sample, took })
}

/// Delivers while a pass is under way.
fn beside_a_pass(stage: &Stage, service: &Service) -> Result<(Delivery, Pass), String> {
    let began = Instant::now();
    let mut child = ask_for_a_pass(&stage.binary, &service.dir.join("node"))?;
    let delivery = deliver(stage, service);
    let outlasted = child.try_wait().map_err(|error| error.to_string())?.is_none();
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let number = said.split_once("\"bytes_rewritten\":").and_then(|(_, rest)| rest.split([',', '}']).next());
    let bytes_moved = number.and_then(|number| number.trim().parse().ok());
    let bytes_moved = bytes_moved.ok_or_else(|| format!("no pass: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((delivery?, Pass { bytes_moved, seconds: began.elapsed().as_secs_f64(), outlasted }))
}

fn ask_for_a_pass(binary: &Path, node: &Path) -> Result<Child, String> {
    let mut command = Command::new(binary);
    command.args(["node", "compact", "--json", "--node"]).arg(node);
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    piped.spawn().map_err(|error| error.to_string())
}

/// The delivery of the median rate.
fn middle(deliveries: &[Delivery]) -> Option<&Delivery> {
    let mut sorted: Vec<&Delivery> = deliveries.iter().collect();
    sorted.sort_unstable_by(|one, other| one.sample.value.total_cmp(&other.sample.value));
    sorted.get(sorted.len() / 2).copied()
}

/// The time within which so many hundredths of the messages were delivered, in milliseconds.
fn percentile(took: &[Duration], percent: usize) -> f64 {
    let at = (took.len() * percent).div_ceil(100).saturating_sub(1);
    took.get(at).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
}

fn say(name: &str, delivery: Option<&Delivery>) {
    let Some(Delivery { sample, took }) = delivery else { return };
    println!(
        "{name:<16} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>14.3}",
        1.0 / sample.value,
        percentile(took, 50),
        percentile(took, 99),
        percentile(took, 100),
        sample.service_cpu * 1000.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let took: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        let of = |percent| percentile(&took, percent).round() as u32;
        assert_eq!((of(1), of(50), of(99), of(100)), (2, 100, 198, 200));
        assert!(percentile(&[], 50).is_nan());
    }
}
