//! The vault as a process of its own: it confines itself, then answers what comes in on its standard input, which is one
//! end of a pair of sockets that the node holds the other end of. It ends when the node does.

mod answering;
mod confine;
mod syscalls;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use durable::{RealDisk, SystemClock};
use vault::{MemoryUse, SystemEntropy};

use crate::keeper::Place;
use crate::server::VaultServer;

pub(crate) use confine::Rules;
pub(crate) use syscalls::no_clone3;

/// The last of the three streams that a process has by right.
const STANDARD_ERROR: i32 = 2;

/// Closes what a careless ancestor left open: whatever it is, the vault has no use for it.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    for descriptor in names.iter().filter_map(|name| name.parse::<i32>().ok()) {
        if descriptor > STANDARD_ERROR {
            // The one of the listing itself is closed already.
            let _ = nix::unistd::close(descriptor);
        }
    }
}

/// Undoes what the node added to its own `oom_score_adj`, which children inherit: when memory is short, the kernel is to end another
/// process before the one that cannot be unlocked without people. Where the system does not allow it, nothing is lost.
fn be_spared() {
    let path = "/proc/self/oom_score_adj";
    let now = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if let (Some(now), Ok(mut file)) = (now, std::fs::OpenOptions::new().write(true).open(path)) {
        let _ = file.write_all((now - vault::NODE_OOM_SCORE_ADJ).to_string().as_bytes());
    }
}

/// The length that the file of figures never reaches.
const FIGURES_LEN_MAX: usize = 4096;

/// The memory of this process.
pub(crate) fn memory(figures: &File) -> Option<MemoryUse> {
    let mut text = [0; FIGURES_LEN_MAX];
    let len = figures.read_at(&mut text, 0).ok()?;
    MemoryUse::parse(std::str::from_utf8(&text[..len]).ok()?)
}

/// Serves the vault in `dir`, an absolute path of a folder that is there, until standard input ends. The first thing it does
/// is to give up everything that it does not need ([`Confinement`](vault::Confinement)), so call it before anything else, on the only thread.
///
/// # Errors
/// What makes it unsafe to hold secrets, or standard input when it is not a socket.
pub fn serve_standard_input(dir: &Path) -> io::Result<()> {
    close_inherited();
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A vault that listened to anything else would be no vault.
    socket.peer_addr()?;
    be_spared();
    // The node starts without huge pages and hands that on; Argon2id is slower without.
    let _ = nix::sys::prctl::set_thp_disable(false);
    // Opened now: once it is confined, the process opens no file but the vault's.
    let figures = File::open(MemoryUse::FILE).ok();
    let confinement = confine::confine(dir)?;
    let place = Place {
        disk: Arc::new(RealDisk),
        dir: dir.to_owned(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    answering::serve(socket, Arc::new(VaultServer::confined(place, confinement, figures)))
}
