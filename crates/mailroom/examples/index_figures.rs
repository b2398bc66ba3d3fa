//! What the index of an owner's mail costs and brings, in figures: how fast it is made, how many bytes it has, how fast lists
//! and searches are with it and without. `cargo xtask bench search` calls it.
//!
//!     index_figures [MESSAGES | CORPUS]
//!
//! MESSAGES is how many are made (2,000 if nothing is said); CORPUS is a file of messages, each behind its length (4 octets,
//! little-endian). The home is in a temporary folder. Prints one JSON object.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement that cannot go on should stop, and says its figures"
)]

#[path = "../tests/it/client.rs"]
mod client;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use client::Client;
use durable::RealDisk;
use mailroom::Mailroom;
use mailroom::index::Indexes;
use store::{FlagSet, Store};
use terms::{AccountId, Address, Secret};
use vault::{CostProfile, Founding, SystemEntropy};
use world::SeededEntropy;

const PASSWORD: &str = "correct horse";
const OWNER: &str = "ann@ie.example";

/// Repetitions of what is fast; the median counts.
const ROUNDS: usize = 5;

/// Messages in one step of the store.
const BATCH: usize = 256;

fn main() {
    let corpus = std::env::args().nth(1).unwrap_or_else(|| "2000".to_owned());
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().to_owned();
    let mut figures = BTreeMap::new();
    let mail_bytes = fill(&dir, &corpus, &mut figures);
    let room = open(&dir);
    let (_, files_before) = sizes(&dir);

    let mut client = Client::selected(&room, OWNER, PASSWORD);
    let started = Instant::now();
    room.index.settle();
    let seconds = started.elapsed().as_secs_f64();
    let owner = room.vault.sign_in(account(), &Secret::new(PASSWORD.to_owned())).unwrap();
    let size = room.index_size(&owner).unwrap();
    figures.insert("fold_seconds", seconds);
    figures.insert("fold_messages_per_second", size.messages as f64 / seconds);
    figures.insert("fold_mail_mb_per_second", mail_bytes as f64 / 1e6 / seconds);
    figures.insert("index_volumes", size.volumes as f64);
    figures.insert("index_bytes_per_mail_byte", size.bytes as f64 / mail_bytes as f64);
    figures.insert("peak_memory_mb", peak_memory_mb());
    let (all, _) = sizes(&dir);
    figures.insert("disk_bytes_per_mail_byte", all as f64 / mail_bytes as f64);
    figures.insert("disk_bytes_per_mail_byte_without_index", files_before as f64 / mail_bytes as f64);

    let mut scan = Client::new(&Mailroom { index: Indexes::off(), ..room.clone() });
    for (name, keys) in [
        ("body_rare_word", "BODY xylozephyr"),
        ("text_rare_word", "TEXT xylozephyr"),
        ("body_part_of_word", "BODY ylozep"),
        ("body_phrase", "BODY \"the code is xylozephyr\""),
        ("body_common_phrase", "BODY \"of the\""),
        ("body_common_word", "BODY the"),
        ("body_one_letter", "BODY q"),
        ("from", "FROM anna"),
        ("subject", "SUBJECT meeting"),
        ("sent_since", "SENTSINCE 1-Jan-2025"),
    ] {
        let command = format!("SEARCH {keys}");
        let expected = timed(&mut figures, &format!("scan_{name}_ms"), 1, || scan.ask(&command));
        let found = timed(&mut figures, &format!("search_{name}_ms"), ROUNDS, || client.ask(&command));
        assert_eq!(found, expected, "{keys}");
        figures.insert(leak(format!("found_{name}")), found.split_whitespace().count() as f64 - 6.0);
    }
    for (name, items) in [
        ("envelope", "ENVELOPE"),
        ("bodystructure", "BODYSTRUCTURE"),
        ("header_fields", "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)]"),
    ] {
        let command = format!("FETCH 1:* {items}");
        let expected = timed(&mut figures, &format!("without_{name}_ms"), 1, || scan.ask(&command));
        let listed = timed(&mut figures, &format!("fetch_{name}_ms"), ROUNDS, || client.ask(&command));
        assert!(listed == expected, "{items}");
        figures.insert(leak(format!("fetch_{name}_mb")), listed.len() as f64 / 1e6);
    }
    drop((client, scan, room));
    // As after a start: nothing is opened yet, though the machine may have the files in memory.
    let room = open(&dir);
    let mut client = Client::selected(&room, OWNER, PASSWORD);
    timed(&mut figures, "first_fetch_envelope_ms", 1, || client.ask("FETCH 1:* ENVELOPE"));
    timed(&mut figures, "first_search_rare_word_ms", 1, || client.ask("SEARCH TEXT xylozephyr"));
    let lines: Vec<String> = figures.iter().map(|(name, value)| format!("  \"{name}\": {value:.3}")).collect();
    println!("{{\n{}\n}}", lines.join(",\n"));
}

/// A name that lives as long as the program.
fn leak(name: String) -> &'static str {
    Box::leak(name.into_boxed_str())
}

/// Does something some times; the median in milliseconds is a figure.
fn timed<T>(figures: &mut BTreeMap<&'static str, f64>, name: &str, rounds: usize, mut work: impl FnMut() -> T) -> T {
    let mut took = Vec::new();
    let mut last = None;
    for _ in 0..rounds {
        let started = Instant::now();
        last = Some(work());
        took.push(started.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    figures.insert(leak(name.to_owned()), took[rounds / 2]);
    last.unwrap()
}

fn account() -> AccountId {
    AccountId([1; 16])
}

fn open(dir: &Path) -> Mailroom {
    let (disk, clock, entropy) = (Arc::new(RealDisk), Arc::new(durable::SystemClock), Arc::new(SystemEntropy));
    let phrase = Secret::new("the node's phrase".to_owned());
    let place = dir.join("vault");
    let is_there = place.exists();
    let gate = keeper::here(disk.clone(), place, clock.clone(), entropy.clone());
    let vault = if is_there {
        gate.unlock(&phrase, CostProfile::OWASP)
    } else {
        let officers = ["one", "two"].map(|name| (name.parse().unwrap(), Secret::new("an officer's".to_owned())));
        gate.create(Founding {
            home: "IE".parse().unwrap(),
            log_origin: "mail.ie.example/ledger".to_owned(),
            passphrase: phrase,
            officers: officers.into(),
            cost: CostProfile::new(8, 1, 1).unwrap(),
        })
    };
    let vault = Arc::new(vault.unwrap());
    let store = Store::open(disk, &dir.join("store"), vault.clone(), clock.clone(), entropy.clone()).unwrap();
    Mailroom {
        store: Arc::new(store),
        vault,
        clock,
        entropy,
        hostname: "mail.ie.example".into(),
        index: Indexes::default(),
        large: Default::default(),
    }
}

/// Stores the corpus; its length in bytes.
fn fill(dir: &Path, corpus: &str, figures: &mut BTreeMap<&'static str, f64>) -> u64 {
    let room = open(dir);
    let key = room.vault.create_account(account(), &Secret::new(PASSWORD.to_owned())).unwrap();
    room.store.create_account(account(), &[OWNER.parse::<Address>().unwrap()], &key, "").unwrap();
    let inbox = room.store.mailbox_named(account(), store::INBOX).unwrap().id;
    let (mut messages, mut bytes) = (0_u64, 0_u64);
    let mut source = source(corpus);
    let mut batch = Vec::new();
    loop {
        let message = source();
        let more = message.is_some();
        if let Some(message) = message {
            messages += 1;
            bytes += message.len() as u64;
            let now = room.clock.now();
            batch.push(room.incoming(account(), inbox, message, Vec::new(), now, FlagSet::none()).unwrap());
        }
        if batch.len() == BATCH || !more {
            room.store.append(std::mem::take(&mut batch)).unwrap();
        }
        if !more {
            break;
        }
    }
    figures.insert("messages", messages as f64);
    figures.insert("mail_mb", bytes as f64 / 1e6);
    bytes
}

/// One message after the other: made, or from a file.
fn source(corpus: &str) -> Box<dyn FnMut() -> Option<Vec<u8>>> {
    if let Ok(count) = corpus.parse::<usize>() {
        let mut maker = Maker::new();
        return Box::new(move || (maker.made < count).then(|| maker.message()));
    }
    let mut corpus = BufReader::new(fs::File::open(corpus).unwrap());
    Box::new(move || {
        let mut len = [0; 4];
        corpus.read_exact(&mut len).ok()?;
        let mut message = vec![0; u32::from_le_bytes(len) as usize];
        corpus.read_exact(&mut message).ok()?;
        Some(message)
    })
}

/// The bytes of all files below, and of those that are not index files.
fn sizes(dir: &Path) -> (u64, u64) {
    let (mut all, mut others) = (0, 0);
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            let (below, below_others) = sizes(&path);
            all += below;
            others += below_others;
        } else {
            let len = entry.metadata().unwrap().len();
            all += len;
            others += if path.extension().is_some_and(|end| end == "index") { 0 } else { len };
        }
    }
    (all, others)
}

/// The most memory that this process had, as the kernel counts.
fn peak_memory_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1e3
}

/// Messages that are made, the same each time: words by Zipf's law, sizes from some hundred octets to half a megabyte, HTML
/// and attachments among them, a rare word in one of 2,857.
struct Maker {
    random: SeededEntropy,
    words: Vec<String>,
    made: usize,
}

impl Maker {
    fn new() -> Self {
        let random = SeededEntropy::new(1);
        let syllables = ["ba", "co", "di", "fu", "ger", "hal", "ing", "jo", "kel", "lum", "mer", "nos", "par", "quin"];
        let made = (0..30_000).map(|_| {
            let count = 1 + random.below(4);
            (0..count).map(|_| syllables[random.below(syllables.len() as u64) as usize]).collect::<String>()
        });
        let common = ["the", "of", "and", "to", "meeting", "invoice", "thanks", "report"].map(str::to_owned);
        let words = common.into_iter().chain(made).collect();
        Self { random, words, made: 0 }
    }

    /// A word: each one is as often as its place in the list says.
    fn word(&self) -> &str {
        let share = self.random.below(1 << 20) as f64 / f64::from(1 << 20);
        let place = (self.words.len() as f64).powf(share) as usize - 1;
        &self.words[place.min(self.words.len() - 1)]
    }

    fn text(&self, bytes: usize) -> String {
        let mut out = String::with_capacity(bytes + 80);
        while out.len() < bytes {
            for _ in 0..12 {
                out.push_str(self.word());
                out.push(' ');
            }
            out.push_str("\r\n");
        }
        out
    }

    fn message(&mut self) -> Vec<u8> {
        let number = self.made;
        self.made += 1;
        let bytes = 400_usize << self.random.below(7);
        let mut body = self.text(bytes);
        if number % 2_857 == 7 {
            body.push_str("The code is xylozephyr indeed.\r\n");
        }
        let header = format!(
            "From: anna {} <a{}@corp.example>\r\nTo: <b@x.example>\r\nSubject: {} {}\r\nDate: Mon, {} Mar 2025 10:00:00 +0000\r\n\
             Message-ID: <{:016x}@x.example>\r\nMIME-Version: 1.0\r\n",
            self.word(),
            self.random.below(400),
            self.word(),
            self.word(),
            1 + number % 28,
            self.random.next_u64(),
        );
        let text = "Content-Type: text/plain; charset=us-ascii\r\n\r\n";
        let rest = match number % 7 {
            0 => format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{text}{body}\r\n--b\r\nContent-Type: application/pdf\r\n\
                 Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename={}.pdf\r\n\r\n{}--b--\r\n",
                self.word(),
                "QmFpbGl3aWNrIGtlZXBzIG1haWwgc2VhbGVkIGFuZCBzZWFyY2hhYmxlLg==\r\n".repeat(200 << self.random.below(6)),
            ),
            1..=3 => format!(
                "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n{text}{body}\r\n--b\r\n\
                 Content-Type: text/html; charset=us-ascii\r\n\r\n<html><body><p>{body}</p></body></html>\r\n--b--\r\n"
            ),
            _ => format!("{text}{body}"),
        };
        (header + &rest).into_bytes()
    }
}
