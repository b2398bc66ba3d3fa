//! What the machine itself can do, in the same folder and the same minute: how far a service is from that.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The machine in figures.
pub(crate) struct Machine {
    /// Processors.
    pub(crate) cores: usize,
    /// Bytes per second, written one after the other and synced at the end.
    pub(crate) write_rate: f64,
    /// Appends of 4 KiB per second, each synced, from one thread.
    pub(crate) sync_rate: f64,
    /// Bytes per second that one core seals with AES-256-GCM, by `openssl speed`; `None` without it.
    pub(crate) aes_rate: Option<f64>,
}

/// How much is written to learn the rate.
const WRITE_BYTES: usize = 256 << 20;

impl Machine {
    /// Measures; writes into `dir`.
    pub(crate) fn measure(dir: &Path) -> Result<Self, String> {
        let path = dir.join("machine");
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let open = || OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let mut file = open().map_err(failed)?;
        let megabyte = vec![0x5a; 1 << 20];
        let began = Instant::now();
        for _ in 0..WRITE_BYTES >> 20 {
            file.write_all(&megabyte).map_err(failed)?;
        }
        file.sync_data().map_err(failed)?;
        let write_rate = WRITE_BYTES as f64 / began.elapsed().as_secs_f64();
        let mut file = open().map_err(failed)?;
        let (began, mut syncs) = (Instant::now(), 0_u32);
        while began.elapsed() < Duration::from_secs(1) {
            file.write_all(&megabyte[..4096]).and_then(|()| file.sync_data()).map_err(failed)?;
            syncs += 1;
        }
        let sync_rate = f64::from(syncs) / began.elapsed().as_secs_f64();
        std::fs::remove_file(&path).map_err(failed)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { cores, write_rate, sync_rate, aes_rate: aes_rate() })
    }
}

/// `openssl speed` prints, last, a line of the name and a rate in thousands of bytes.
fn aes_rate() -> Option<f64> {
    let arguments = ["speed", "-evp", "aes-256-gcm", "-seconds", "1", "-bytes", "65536"];
    let output = Command::new("openssl").args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|line| line.to_ascii_lowercase().starts_with("aes-256-gcm"))?;
    Some(line.split_whitespace().last()?.strip_suffix('k')?.parse::<f64>().ok()? * 1000.0)
}
