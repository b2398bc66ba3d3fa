//! What the parent tells a service manager that wants to know (sd_notify(3)): one datagram to the socket in `NOTIFY_SOCKET`.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use nix::time::{ClockId, clock_gettime};

/// Says how the service stands. Without a manager nothing is said; one that does not listen is not waited for.
pub(super) fn say(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let told = || -> io::Result<()> {
        // `@` stands for the zero with which abstract names begin.
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(&name)?,
        };
        UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
    };
    if let Err(error) = told() {
        tracing::warn!("the service manager is not told {state:?}: {error}");
    }
}

/// Says that the settings are read again, and since when, as systemd wants to know of services of `Type=notify-reload`.
pub(super) fn say_reloading() {
    let micros =
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000);
    say(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}
