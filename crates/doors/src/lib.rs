//! Listening sockets, pages and wire words. A door reads bytes, feeds a machine, does what the machine needs through the
//! mailroom or the desk, and writes what the machine says.

mod admission;
pub mod control;
pub mod http;
pub mod imap;
pub mod smtp;
pub mod tls;
mod wire;
