//! The tls door.
