//! The imap door.
