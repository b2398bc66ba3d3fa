//! What was measured, for a person and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::machine::Machine;
use super::row::{Row, Sample, Unit, middle};
use super::service::Kind;
use super::stage::{Sizes, Stage};

/// All samples of a run.
pub(crate) struct Report {
    sizes: Sizes,
    machine: Machine,
    /// The mean length of a message.
    message_bytes: f64,
    /// Octets of the mailbox that is read.
    big_bytes: f64,
    /// Processor time is the kernel's own count, not ticks.
    pub(crate) exact: bool,
    samples: BTreeMap<(&'static str, &'static str), Vec<Sample>>,
    once: BTreeMap<String, Sample>,
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn new(stage: &Stage, machine: Machine) -> Self {
        let messages = &stage.mail[..stage.sizes.messages];
        let message_bytes = messages.iter().map(Vec::len).sum::<usize>() as f64 / messages.len() as f64;
        Self {
            sizes: stage.sizes.clone(),
            machine,
            message_bytes,
            big_bytes: stage.big_bytes() as f64,
            exact: false,
            samples: BTreeMap::new(),
            once: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// What was done once, before the rounds.
    pub(crate) fn once(&mut self, what: String, sample: Sample) {
        self.once.insert(what, sample);
    }

    /// One round of a row.
    pub(crate) fn take(&mut self, row: &Row, kind: Kind, sample: Sample) {
        self.samples.entry((row.name, kind.name())).or_default().push(sample);
    }

    /// A round that did not work.
    pub(crate) fn fail(&mut self, row: &Row, kind: Kind, error: String) {
        let failure = format!("{} at {}: {error}", row.name, kind.name());
        eprintln!("{failure}");
        self.failures.push(failure);
    }

    fn middle(&self, row: &Row, kind: Kind) -> Option<Sample> {
        self.samples.get(&(row.name, kind.name())).map(|samples| middle(samples))
    }

    /// How many times as good as Dovecot's plain mdbox.
    fn ratio(&self, row: &Row) -> Option<f64> {
        Some(self.middle(row, Kind::Mdbox)?.value / self.middle(row, Kind::Node)?.value)
    }

    /// The last round in a line.
    pub(crate) fn line_of_round(&self, row: &Row, kinds: &[Kind]) -> String {
        let mut line = row.name.to_owned();
        for kind in kinds {
            if let Some(last) = self.samples.get(&(row.name, kind.name())).and_then(|samples| samples.last()) {
                let _ = write!(line, ", {} {}", kind.name(), row.unit.say(last.value));
            }
        }
        line
    }

    /// Markdown, as it goes into `docs/benchmarks.md`.
    pub(crate) fn table(&self, rows: &[&Row], kinds: &[Kind]) -> String {
        let sizes = &self.sizes;
        let mut out = format!(
            "{} cores; {} users, {} messages a delivery row, big mailbox of {} ({:.0} MB), large mailbox of {}, {} idle \
             connections, medians of {} rounds.\n",
            self.machine.cores,
            sizes.users,
            sizes.messages,
            sizes.big,
            self.big_bytes / 1e6,
            sizes.large,
            sizes.idle,
            sizes.rounds
        );
        let count = if self.exact { "by the kernel's account" } else { "in ticks of 10 ms" };
        let _ = write!(
            out,
            "Processor time per operation ({count}): of the service / of Dovecot's mdbox / of the client.\n\n| work |"
        );
        kinds.iter().for_each(|kind| out.push_str(&format!(" {} |", kind.name())));
        out.push_str(" ratio | bar | | processor time |\n| --- |");
        kinds.iter().for_each(|_| out.push_str(" --- |"));
        out.push_str(" --- | --- | --- | --- |\n");
        for row in rows {
            out.push_str(&self.line(row, kinds));
        }
        out.push('\n');
        for (what, sample) in &self.once {
            let (time, cpu) = (sample.value * 1000.0, sample.service_cpu * 1000.0);
            let _ = writeln!(out, "Once, {what}: {time:.1} ms (processor {cpu:.1} ms).");
        }
        out.push_str(&self.distance(rows));
        for failure in &self.failures {
            let _ = writeln!(out, "FAILED: {failure}");
        }
        out
    }

    fn line(&self, row: &Row, kinds: &[Kind]) -> String {
        let mut line = format!("| {} |", row.about);
        for kind in kinds {
            let value = self.middle(row, *kind).map(|sample| row.unit.say(sample.value));
            let _ = write!(line, " {} |", value.unwrap_or_default());
        }
        match (self.ratio(row), row.bar) {
            (Some(ratio), Some(bar)) => {
                let met = if ratio >= bar { "met" } else { "MISSED" };
                let _ = write!(line, " {ratio:.2} × | {bar} × | {met} |");
            }
            (Some(ratio), None) => {
                let _ = write!(line, " {ratio:.2} × | | |");
            }
            _ => line.push_str(" | | |"),
        }
        let of = |kind: Kind| self.middle(row, kind).map_or(f64::NAN, |sample| sample.service_cpu * 1e3);
        let client = self.middle(row, Kind::Node).map_or(f64::NAN, |sample| sample.client_cpu * 1e3);
        match row.unit {
            Unit::PerSecond | Unit::Millis => {
                let _ = writeln!(line, " {:.3} / {:.3} / {client:.3} ms |", of(Kind::Node), of(Kind::Mdbox));
            }
            Unit::Kib | Unit::Share => line.push_str(" |\n"),
        }
        line
    }

    /// How far the node is from what the machine can do.
    fn distance(&self, rows: &[&Row]) -> String {
        let machine = &self.machine;
        let mut out = format!(
            "\nThe machine: {:.0} MB/s written in a row, {:.0} synced appends of 4 KiB per second from one thread",
            machine.write_rate / 1e6,
            machine.sync_rate
        );
        match machine.aes_rate {
            Some(rate) => out.push_str(&format!(", AES-256-GCM {:.0} MB/s on one core.\n", rate / 1e6)),
            None => out.push_str("; AES-256-GCM not measured (no openssl).\n"),
        }
        for row in rows {
            let Some(sample) = self.middle(row, Kind::Node) else { continue };
            if row.name.starts_with("lmtp") || row.name.starts_with("append") {
                let rate = 1.0 / sample.value;
                let _ = writeln!(
                    out,
                    "{}: {:.1} MB/s, {:.0} % of the write rate; {:.2} messages for each sync that one thread could make.",
                    row.name,
                    rate * self.message_bytes / 1e6,
                    100.0 * rate * self.message_bytes / machine.write_rate,
                    rate / machine.sync_rate
                );
            }
            if row.name == "bodies" {
                let rate = self.big_bytes / sample.value;
                let share = machine.aes_rate.map_or(f64::NAN, |aes| 100.0 * rate / aes);
                let _ = writeln!(out, "bodies: {:.0} MB/s, {share:.0} % of one core's AES-256-GCM.", rate / 1e6);
            }
        }
        out
    }

    /// Everything, for a program. Values are in seconds, bytes or shares for one operation.
    pub(crate) fn json(&self, rows: &[&Row], kinds: &[Kind]) -> String {
        let sizes = &self.sizes;
        let number = |value: f64| if value.is_finite() { format!("{value:e}") } else { "null".to_owned() };
        let sample = |sample: &Sample| {
            format!(
                "{{\"value\":{},\"service_cpu\":{},\"client_cpu\":{},\"found\":{}}}",
                number(sample.value),
                number(sample.service_cpu),
                number(sample.client_cpu),
                sample.found
            )
        };
        let mut entries = Vec::new();
        for row in rows {
            let mut services = Vec::new();
            for kind in kinds {
                let Some(samples) = self.samples.get(&(row.name, kind.name())) else { continue };
                let rounds: Vec<String> = samples.iter().map(sample).collect();
                let (name, middle) = (kind.name(), sample(&middle(samples)));
                services.push(format!("\"{name}\":{{\"median\":{middle},\"rounds\":[{}]}}", rounds.join(",")));
            }
            let ratio = self.ratio(row).map_or_else(|| "null".to_owned(), number);
            let bar = row.bar.map_or_else(|| "null".to_owned(), number);
            entries.push(format!(
                "{{\"row\":\"{}\",\"unit\":\"{:?}\",\"bar\":{bar},\"ratio\":{ratio},\"services\":{{{}}}}}",
                row.name,
                row.unit,
                services.join(",")
            ));
        }
        let once: Vec<String> = self.once.iter().map(|(what, it)| format!("\"{what}\":{}", sample(it))).collect();
        format!(
            "{{\"users\":{},\"messages\":{},\"big\":{},\"large\":{},\"idle\":{},\"rounds\":{},\"cores\":{},\"write_rate\":{},\
             \"sync_rate\":{},\"aes_rate\":{},\"exact_cpu\":{},\"once\":{{{}}},\"failures\":{},\"rows\":[\n{}\n]}}\n",
            sizes.users,
            sizes.messages,
            sizes.big,
            sizes.large,
            sizes.idle,
            sizes.rounds,
            self.machine.cores,
            number(self.machine.write_rate),
            number(self.machine.sync_rate),
            self.machine.aes_rate.map_or_else(|| "null".to_owned(), number),
            self.exact,
            once.join(","),
            self.failures.len(),
            entries.join(",\n")
        )
    }

    /// An error when a row did not work, or when the services found different things.
    pub(crate) fn missed_bars(&self) -> Result<(), String> {
        let mut wrong = self.failures.clone();
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for ((row, kind), samples) in &self.samples {
            for sample in samples {
                let first = *found.entry(row).or_insert(sample.found);
                if sample.found != first {
                    wrong.push(format!("{row}: {kind} found {}, another found {first}", sample.found));
                }
            }
        }
        wrong.dedup();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}
