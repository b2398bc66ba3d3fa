//! What a session is told at its start.

use std::net::IpAddr;
use std::sync::Arc;

use crate::envelope::Protocol;

/// A session's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// The name in the greeting.
    pub hostname: Arc<str>,
    /// The peer's IP address; part of the envelope.
    pub peer: IpAddr,
    /// The largest message in octets (RFC 1870); [`crate::MESSAGE_SIZE_BYTES_MAX`] by default.
    pub message_size_bytes_max: u64,
    /// Whether the door can start TLS.
    pub starttls: bool,
}
