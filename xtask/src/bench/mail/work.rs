//! The rows, in the order in which they run: what delivers, what lists, what reads, what changes, what searches, what
//! waits.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::client::{Imap, Lmtp};
use super::corpus::{COMMON, PART_OF_RARE, PHRASE, RARE};
use super::random::Random;
use super::row::{Row, Sample, Unit, measured, repeated};
use super::service::{Kind, PASSWORD, Service};
use super::stage::{Stage, big, in_threads, large, sign_in};

/// The two that every row is about.
const BOTH: &[Kind] = &[Kind::Node, Kind::Mdbox];
/// With Dovecot's own sealing beside them.
const SEALED: &[Kind] = &[Kind::Node, Kind::Mdbox, Kind::Crypt];
/// With an index beside them.
const INDEXED: &[Kind] = &[Kind::Node, Kind::Mdbox, Kind::Xapian];

/// How often a short command is repeated within a round.
const TIMES: usize = 5;

/// Reads of single messages in a round: about a second of them. With a fifth of that the rounds of one run differed by half, mostly
/// because of the first reads of a session.
const RANDOM_READS: usize = 10_000;

type Outcome = Result<Sample, String>;

const fn row(
    name: &'static str,
    about: &'static str,
    bar: Option<f64>,
    unit: Unit,
    kinds: &'static [Kind],
    run: fn(&Stage, &mut Service) -> Outcome,
) -> Row {
    Row { name, about, bar, unit, kinds, once: false, run }
}

/// As [`row`], in the last round only.
const fn once(row: Row) -> Row {
    Row { once: true, ..row }
}

/// All rows.
pub(crate) const ROWS: &[Row] = &[
    row("lmtp-1", "LMTP delivery, 1 connection", Some(2.0), Unit::PerSecond, SEALED, |at, to| lmtp(at, to, 1)),
    row("lmtp-8", "LMTP delivery, 8 connections", Some(5.0), Unit::PerSecond, SEALED, |at, to| lmtp(at, to, 8)),
    row("lmtp-32", "LMTP delivery, 32 connections", Some(5.0), Unit::PerSecond, SEALED, |at, to| lmtp(at, to, 32)),
    row("append-1", "APPEND, 1 connection", Some(2.0), Unit::PerSecond, SEALED, |at, to| append(at, to, 1)),
    row("append-8", "APPEND, 8 connections", Some(2.0), Unit::PerSecond, SEALED, |at, to| append(at, to, 8)),
    row("login-select", "LOGIN + SELECT, big mailbox", Some(2.0), Unit::Millis, BOTH, |_, to| login(to, &big())),
    row("select", "SELECT alone, big mailbox", Some(1.0), Unit::Millis, BOTH, |_, to| select(to, &big())),
    row("login-select-large", "LOGIN + SELECT, large mailbox", Some(2.0), Unit::Millis, BOTH, |_, to| {
        login(to, &large())
    }),
    row("select-large", "SELECT alone, large mailbox", Some(1.0), Unit::Millis, BOTH, |_, to| select(to, &large())),
    row("flags", "FETCH 1:* (UID FLAGS), big", Some(2.0), Unit::Millis, BOTH, |_, to| list(to, &big(), "(UID FLAGS)")),
    row("flags-large", "FETCH 1:* (UID FLAGS), large", Some(2.0), Unit::Millis, BOTH, |_, to| {
        list(to, &large(), "(UID FLAGS)")
    }),
    row("envelope-cold", "FETCH 1:* ENVELOPE after a restart", Some(2.5), Unit::Millis, BOTH, envelope_cold),
    row("envelope", "FETCH 1:* ENVELOPE, warm", Some(2.5), Unit::Millis, BOTH, |_, to| list(to, &big(), "ENVELOPE")),
    row("bodystructure", "FETCH 1:* BODYSTRUCTURE", Some(1.0), Unit::Millis, BOTH, |_, to| {
        list(to, &big(), "BODYSTRUCTURE")
    }),
    row("size", "FETCH 1:* RFC822.SIZE", Some(2.0), Unit::Millis, BOTH, |_, to| list(to, &big(), "RFC822.SIZE")),
    row("header-fields", "FETCH 1:* header fields", Some(2.0), Unit::Millis, BOTH, |_, to| {
        list(to, &big(), "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)]")
    }),
    row("bodies", "FETCH 1:* BODY.PEEK[], all of the big mailbox", Some(1.0), Unit::Millis, SEALED, bodies),
    row("random-1", "single BODY.PEEK[], 1 connection", Some(2.0), Unit::PerSecond, SEALED, |at, to| random(at, to, 1)),
    row("random-16", "single BODY.PEEK[], 16 connections", Some(2.0), Unit::PerSecond, SEALED, |at, to| {
        random(at, to, 16)
    }),
    row("store", "STORE 1:* +FLAGS.SILENT", Some(1.0), Unit::Millis, BOTH, store),
    row("copy", "COPY 1:*", Some(1.0), Unit::Millis, BOTH, copy),
    row("expunge", "EXPUNGE of all copies", Some(1.0), Unit::Millis, BOTH, expunge),
    row("body-rare", "SEARCH BODY, a rare word", Some(100.0), Unit::Millis, INDEXED, |_, to| search(to, "BODY", RARE)),
    row("text-rare", "SEARCH TEXT, a rare word", Some(100.0), Unit::Millis, INDEXED, |_, to| search(to, "TEXT", RARE)),
    row("body-part", "SEARCH BODY, a part of a word", Some(100.0), Unit::Millis, INDEXED, |_, to| {
        search(to, "BODY", PART_OF_RARE)
    }),
    row("text-part", "SEARCH TEXT, a part of a word", Some(100.0), Unit::Millis, INDEXED, |_, to| {
        search(to, "TEXT", PART_OF_RARE)
    }),
    row("body-phrase", "SEARCH BODY, a phrase", Some(10.0), Unit::Millis, INDEXED, |_, to| search(to, "BODY", PHRASE)),
    row("body-common", "SEARCH BODY, a word in nearly all", Some(10.0), Unit::Millis, INDEXED, |_, to| {
        search(to, "BODY", COMMON)
    }),
    once(row("idle", "memory of an idle connection", Some(20.0), Unit::Kib, BOTH, idle)),
    once(row("idle-tls", "memory of an idle connection under TLS", None, Unit::Kib, BOTH, idle_tls)),
    once(row("disk", "bytes on disk per byte of mail", None, Unit::Share, INDEXED, disk)),
];

fn lmtp(stage: &Stage, to: &mut Service, connections: usize) -> Outcome {
    let count = if connections == 1 { stage.sizes.messages.div_ceil(4) } else { stage.sizes.messages };
    measured(to, count, || {
        in_threads(connections, count, |numbers| {
            let mut lmtp = Lmtp::connect(to.lmtp())?;
            numbers.into_iter().try_for_each(|number| lmtp.deliver(&stage.user(number), &stage.mail[number]))
        })?;
        Ok(count as u64)
    })
}

fn append(stage: &Stage, to: &mut Service, connections: usize) -> Outcome {
    let count = stage.sizes.messages.div_ceil(4);
    // Signing in is another row.
    let sessions: Vec<std::sync::Mutex<Imap>> = (0..connections)
        .map(|number| sign_in(to.imap(), &stage.user(number)).map(std::sync::Mutex::new))
        .collect::<Result<_, _>>()?;
    // Nor is the folding of what was delivered before, which a sign-in begins.
    to.settle();
    measured(to, count, || {
        in_threads(connections, count, |numbers| {
            let at = numbers.first().map_or(0, |first| first % connections);
            let mut session = sessions[at].lock().map_err(|_| "a client panicked")?;
            numbers.into_iter().try_for_each(|number| session.append("INBOX", &stage.mail[number]))
        })?;
        Ok(count as u64)
    })
}

fn login(to: &mut Service, user: &str) -> Outcome {
    // The first pays for Argon2id; later ones are spared it for some minutes.
    drop(sign_in(to.imap(), user)?);
    let mut open = Vec::new();
    repeated(to, 4 * TIMES, || {
        open.push(Imap::selected(to.imap(), user, PASSWORD, "INBOX")?);
        Ok(0)
    })
}

fn select(to: &mut Service, user: &str) -> Outcome {
    let mut session = sign_in(to.imap(), user)?;
    // Another one in between, or it would only be looked at again.
    let _ = session.ask("CREATE Other");
    let mut samples = Vec::new();
    for _ in 0..4 * TIMES {
        session.ask("SELECT Other")?;
        samples.push(measured(to, 1, || session.ask("SELECT INBOX").map(|_| 0))?);
    }
    Ok(super::row::middle(&samples))
}

/// A FETCH of all messages of a mailbox, on an open session.
fn list(to: &mut Service, user: &str, items: &str) -> Outcome {
    let mut session = Imap::selected(to.imap(), user, PASSWORD, "INBOX")?;
    let command = format!("FETCH 1:* {items}");
    session.ask(&command)?;
    repeated(to, TIMES, || session.ask(&command).map(|_| 0))
}

fn envelope_cold(stage: &Stage, to: &mut Service) -> Outcome {
    to.stop()?;
    to.start(&stage.binary)?;
    let mut session = stage.on_big(to)?;
    measured(to, 1, || session.ask("FETCH 1:* ENVELOPE").map(|_| 0))
}

fn bodies(stage: &Stage, to: &mut Service) -> Outcome {
    let mut session = stage.on_big(to)?;
    let least = stage.big_bytes();
    let times = if to.kind == Kind::Crypt { 1 } else { 2 };
    repeated(to, times, || match session.ask("FETCH 1:* BODY.PEEK[]")? {
        bytes if bytes > least => Ok(0),
        bytes => Err(format!("{bytes} bytes came of {least}")),
    })
}

fn random(stage: &Stage, to: &mut Service, connections: usize) -> Outcome {
    let sessions: Vec<std::sync::Mutex<Imap>> =
        (0..connections).map(|_| stage.on_big(to).map(std::sync::Mutex::new)).collect::<Result<_, _>>()?;
    to.settle();
    measured(to, RANDOM_READS, || {
        in_threads(connections, RANDOM_READS, |numbers| {
            let first = numbers.first().copied().unwrap_or(0);
            let mut session = sessions[first % connections].lock().map_err(|_| "a client panicked")?;
            let mut random = Random::new(first as u64);
            numbers.into_iter().try_for_each(|_| {
                let number = 1 + random.below(stage.sizes.big as u64);
                session.ask(&format!("FETCH {number} BODY.PEEK[]")).map(|_| ())
            })
        })?;
        Ok(0)
    })
}

fn store(stage: &Stage, to: &mut Service) -> Outcome {
    let mut session = stage.on_big(to)?;
    let mut sign = '-';
    session.ask("STORE 1:* -FLAGS.SILENT (\\Flagged)")?;
    repeated(to, 2 * TIMES, || {
        sign = if sign == '-' { '+' } else { '-' };
        session.ask(&format!("STORE 1:* {sign}FLAGS.SILENT (\\Flagged)")).map(|_| 0)
    })
}

/// The mailbox of this round for copies.
fn copies(stage: &Stage) -> String {
    format!("Copies{}", stage.round.load(Ordering::Relaxed))
}

fn copy(stage: &Stage, to: &mut Service) -> Outcome {
    let mut session = stage.on_big(to)?;
    let name = copies(stage);
    let _ = session.ask(&format!("DELETE {name}"));
    session.ask(&format!("CREATE {name}"))?;
    measured(to, 1, || session.ask(&format!("COPY 1:* {name}")).map(|_| 0))
}

fn expunge(stage: &Stage, to: &mut Service) -> Outcome {
    let mut session = stage.on_big(to)?;
    let name = copies(stage);
    if session.ask(&format!("SELECT {name}")).is_err() {
        session.ask(&format!("CREATE {name}"))?;
        session.ask(&format!("COPY 1:* {name}"))?;
    } else {
        session.ask("SELECT INBOX")?;
    }
    session.ask(&format!("SELECT {name}"))?;
    session.ask("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
    let sample = measured(to, 1, || {
        let said = session.answered("EXPUNGE")?;
        let gone = said.lines().filter(|line| line.ends_with(" EXPUNGE")).count();
        match gone == stage.sizes.big {
            true => Ok(gone as u64),
            false => Err(format!("{gone} messages were expunged")),
        }
    });
    session.ask("SELECT INBOX")?;
    session.ask(&format!("DELETE {name}"))?;
    sample
}

fn search(to: &mut Service, key: &str, words: &str) -> Outcome {
    let mut session = Imap::selected(to.imap(), &big(), PASSWORD, "INBOX")?;
    // Without an index a search takes seconds, and each takes as long as the one before.
    let times = if to.kind == Kind::Mdbox { 1 } else { 3 };
    repeated(to, times, || {
        let said = session.answered(&format!("SEARCH {key} \"{words}\""))?;
        let found = said.lines().find_map(|line| line.strip_prefix("* SEARCH"));
        Ok(found.map_or(0, |numbers| numbers.split_whitespace().count() as u64))
    })
}

/// The memory of a service when it has come to rest: an allocator returns what a sign-in or an index took some seconds
/// after it was used. Waits for three equal readings, half a minute at most.
fn settled(service: &Service) -> u64 {
    let (mut last, mut alike) = (service.memory(), 0);
    for _ in 0..30 {
        std::thread::sleep(Duration::from_secs(1));
        let now = service.memory();
        alike = if now.abs_diff(last) < last / 200 { alike + 1 } else { 0 };
        last = now;
        if alike == 3 {
            break;
        }
    }
    last
}

/// Memory per connection. `open` opens so many; a quarter comes first, and the slope is what counts: what a service takes
/// at its first connections, or frees from earlier work, does not count.
fn memory_of<T>(stage: &Stage, to: &mut Service, open: impl Fn(&Service, usize) -> Result<T, String>) -> Outcome {
    let count = stage.sizes.idle;
    // Memory that earlier work left would be used by the connections, and they would look like nothing. So the service starts
    // twice: what is folded at a sign-in is folded in between.
    for _ in 0..2 {
        to.settle();
        to.stop()?;
        to.start(&stage.binary)?;
        // Everybody has signed in once: what is per owner is not per connection.
        (0..stage.sizes.users).try_for_each(|number| sign_in(to.imap(), &stage.user(number)).map(drop))?;
    }
    to.settle();
    let first = (count / 4).max(1);
    let mut sample = measured(to, 1, || Ok(0))?;
    let some = open(to, first)?;
    let before = settled(to);
    let rest = open(to, count - first)?;
    let after = settled(to);
    drop((some, rest));
    sample.value = after.saturating_sub(before) as f64 / (count - first).max(1) as f64;
    Ok(sample)
}

fn idle(stage: &Stage, to: &mut Service) -> Outcome {
    memory_of(stage, to, |to, count| {
        let one = |number| {
            let mut session = Imap::selected(to.imap(), &stage.user(number), PASSWORD, "INBOX")?;
            session.idle()?;
            Ok(session.slim())
        };
        (0..count).map(one).collect::<Result<Vec<_>, String>>()
    })
}

/// Opens the connections in Python, whose standard library has TLS. Says so when Python is missing.
fn idle_tls(stage: &Stage, to: &mut Service) -> Outcome {
    const SCRIPT: &str = include_str!("idle_tls.py");
    let users: Vec<String> = (0..stage.sizes.users).map(|number| stage.user(number)).collect();
    memory_of(stage, to, |to, count| {
        let mut python = Command::new("python3");
        python.args(["-c", SCRIPT, &to.imaps().port().to_string(), &count.to_string(), PASSWORD]).args(&users);
        let mut child =
            python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        match line.trim() {
            "ready" => Ok(Held(child)),
            other => Err(format!("the connections under TLS: {other:?}")),
        }
    })
}

/// A process that ends with this value.
struct Held(std::process::Child);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All mail of all users by now: what the big mailbox has and what was delivered and appended, in the same way everywhere.
fn disk(stage: &Stage, to: &mut Service) -> Outcome {
    let mut bytes = 0;
    for user in stage.users() {
        let mut session = sign_in(to.imap(), &user)?;
        session.ask("SELECT INBOX")?;
        let said = session.answered("FETCH 1:* RFC822.SIZE").unwrap_or_default();
        let sizes = said.lines().filter_map(|line| line.split_once("RFC822.SIZE ")?.1.strip_suffix(')'));
        bytes += sizes.filter_map(|size| size.parse::<u64>().ok()).sum::<u64>();
        // The index of what came since the last sign-in counts.
        to.settle();
    }
    let disk = to.disk_bytes()?;
    Ok(Sample { value: disk as f64 / bytes.max(1) as f64, service_cpu: 0.0, client_cpu: 0.0, found: 0 })
}
