//! SMTP and LMTP as a machine: bytes in, steps out.
