//! A row of the table: its work, and how it is said.

use std::time::{Duration, Instant};

use super::meter::own_cpu;
use super::service::{Kind, Service};
use super::stage::Stage;

/// What one round of a row brought for one service. All values are for one operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Seconds; bytes for memory, bytes per byte for disk.
    pub(crate) value: f64,
    /// Processor time of the service, in seconds.
    pub(crate) service_cpu: f64,
    /// Processor time of the client, in seconds.
    pub(crate) client_cpu: f64,
    /// What the service found or sent, to be the same on both sides; 0 when there is nothing to compare.
    pub(crate) found: u64,
}

/// How the value is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Operations per second; more is better.
    PerSecond,
    /// Milliseconds; less is better.
    Millis,
    /// Kibibytes; less is better.
    Kib,
    /// A share; less is better.
    Share,
}

/// A row.
pub(crate) struct Row {
    /// Its word for `--only`, and in the JSON.
    pub(crate) name: &'static str,
    /// What is done.
    pub(crate) about: &'static str,
    /// What we ask of ourselves: so many times as good as Dovecot's plain mdbox. `None`: shown only.
    pub(crate) bar: Option<f64>,
    pub(crate) unit: Unit,
    /// Whom it is measured with.
    pub(crate) kinds: &'static [Kind],
    /// It is measured in the last round only: it takes long, and rounds do not differ.
    pub(crate) once: bool,
    /// Does it once.
    pub(crate) run: fn(&Stage, &mut Service) -> Result<Sample, String>,
}

/// Does `work`, which is `operations` operations, and measures them.
pub(crate) fn measured(
    service: &Service,
    operations: usize,
    work: impl FnOnce() -> Result<u64, String>,
) -> Result<Sample, String> {
    let (service_before, client_before) = (service.cpu(), own_cpu());
    let began = Instant::now();
    let found = work()?;
    let value = began.elapsed().as_secs_f64();
    let since = |now: Duration, before: Duration| now.saturating_sub(before).as_secs_f64();
    let (service_cpu, client_cpu) = (since(service.cpu(), service_before), since(own_cpu(), client_before));
    let each = operations.max(1) as f64;
    Ok(Sample { value: value / each, service_cpu: service_cpu / each, client_cpu: client_cpu / each, found })
}

/// Does `work` some times; the median of each figure.
pub(crate) fn repeated(
    service: &Service,
    times: usize,
    mut work: impl FnMut() -> Result<u64, String>,
) -> Result<Sample, String> {
    let mut samples = Vec::with_capacity(times);
    for _ in 0..times {
        samples.push(measured(service, 1, &mut work)?);
    }
    Ok(middle(&samples))
}

/// The median of each figure.
pub(crate) fn middle(samples: &[Sample]) -> Sample {
    let of = |figure: fn(&Sample) -> f64| {
        let mut figures: Vec<f64> = samples.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        match figures.len() {
            0 => f64::NAN,
            len => (figures[len / 2] + figures[(len - 1) / 2]) / 2.0,
        }
    };
    Sample {
        value: of(|sample| sample.value),
        service_cpu: of(|sample| sample.service_cpu),
        client_cpu: of(|sample| sample.client_cpu),
        found: samples.last().map_or(0, |sample| sample.found),
    }
}

impl Unit {
    /// The value as it is said.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{:.0}/s", 1.0 / value),
            Self::Millis if value < 0.01 => format!("{:.2} ms", value * 1000.0),
            Self::Millis => format!("{:.1} ms", value * 1000.0),
            Self::Kib => format!("{:.1} KiB", value / 1024.0),
            Self::Share => format!("{value:.3}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_median() {
        let sample = |value: f64| Sample { value, service_cpu: value * 2.0, client_cpu: 0.0, found: 3 };
        assert!(middle(&[]).value.is_nan());
        let odd = middle(&[sample(9.0), sample(1.0), sample(2.0)]);
        assert_eq!((odd.value, odd.service_cpu, odd.found), (2.0, 4.0, 3));
        assert_eq!(middle(&[sample(1.0), sample(2.0)]).value, 1.5);
        assert_eq!(Unit::PerSecond.say(0.002), "500/s");
        assert_eq!(Unit::Kib.say(2048.0), "2.0 KiB");
    }
}
