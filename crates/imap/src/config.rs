//! What the program tells a session at its start.

/// A session's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name in the greeting.
    pub hostname: String,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// Whether passwords are accepted without TLS: only where nobody can listen, on loopback.
    pub sign_in_without_tls: bool,
    /// Whether the backend supports channel binding over TLS (RFC 5056).
    pub channel_binding: bool,
    /// The largest message in APPEND, in octets.
    pub message_size_bytes_max: u64,
}
