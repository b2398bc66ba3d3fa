//! A person who has the space of deleted mail reclaimed, pass after pass, until the node is gone: at the control door
//! itself, since the command line would open the data directory of a node that was killed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

/// What the passes did.
#[derive(Debug, Default)]
pub(crate) struct Passes {
    /// Bytes that were rewritten, as far as that was told.
    pub bytes_moved: u64,
    /// Segments that were emptied.
    pub segments: u64,
    /// Passes that the kill met while they were moving mail.
    pub broken: u64,
}

impl Passes {
    /// Asks for passes from when `go` says so until the node in `dir` is gone. `moving` says whether one has begun to move
    /// mail and has not told its end.
    pub(crate) fn until_gone(dir: &Path, go: &AtomicBool, moving: &AtomicBool) -> Self {
        let mut passes = Self::default();
        while !go.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        while passes.one(dir, moving).is_some() {}
        passes
    }

    /// One pass; `None` when the node is gone.
    fn one(&mut self, dir: &Path, moving: &AtomicBool) -> Option<()> {
        let mut stream = UnixStream::connect(dir.join("run/control.sock")).ok()?;
        stream.write_all(b"{\"compact\":{}}\n").ok()?;
        let mut reader = BufReader::new(stream);
        let (mut line, mut moved) = (String::new(), 0);
        loop {
            line.clear();
            // Whole lines only: what the kill cut off tells nothing.
            if reader.read_line(&mut line).is_err() || !line.ends_with('\n') {
                self.bytes_moved += moved;
                self.broken += u64::from(moved > 0);
                return None;
            }
            let said: Value = serde_json::from_str(&line).unwrap();
            if let Some(progress) = said.get("progress") {
                moved = progress["done"].as_u64().unwrap();
                moving.store(moved > 0, Ordering::SeqCst);
                continue;
            }
            moving.store(false, Ordering::SeqCst);
            assert!(said.get("error").is_none(), "a pass failed: {line}");
            self.bytes_moved += said["ok"]["compact"]["bytes_rewritten"].as_u64().unwrap();
            self.segments += said["ok"]["compact"]["segments"].as_u64().unwrap();
            return Some(());
        }
    }

    /// What others did comes to it.
    pub(crate) fn add(&mut self, more: &Self) {
        self.bytes_moved += more.bytes_moved;
        self.segments += more.segments;
        self.broken += more.broken;
    }
}
