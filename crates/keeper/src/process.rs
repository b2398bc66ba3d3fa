//! The vault as a process of its own: it confines itself, then answers what comes in on its standard input, which is one
//! end of a pair of sockets. Where it serves a running node, that is the end of the node's parent, and its standard output is an end of
//! another pair, for the node's own process. It ends when the other end of one of them is closed.

mod answering;
mod confine;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use durable::{RealDisk, SystemClock};
use vault::{MemoryUse, SystemEntropy};

use crate::keeper::Place;
use crate::server::VaultServer;

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
    ::confine::close_inherited();
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A vault that listened to anything else would be no vault.
    socket.peer_addr()?;
    let second = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let sockets = if second.peer_addr().is_ok() { vec![socket, second] } else { vec![socket] };
    // Argon2id is slower without huge pages.
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
    answering::serve(sockets, &Arc::new(VaultServer::confined(place, confinement, figures)))
}
