//! The nouns shared by every crate. No files, no sockets, no cryptography.
//!
//! A type that names a person (an [`Address`]) prints nothing through `Debug`, so that it cannot end up in a log line
//! by accident.

mod address;
mod category;
mod digest;
mod home_format;
mod ids;
mod jurisdiction;
mod seams;
mod secret;
mod text;
mod time;

pub use address::{Address, AddressError, Domain};
pub use category::Category;
pub use digest::Digest;
pub use home_format::{HOME_FORMAT, OtherFormat};
pub use ids::{AccountId, CaseId, EpochId, MailboxId, MessageId, OfficerName, OfficerNameError};
pub use jurisdiction::{Jurisdiction, JurisdictionError};
pub use seams::{Clock, Entropy};
pub use secret::Secret;
pub use text::is_hidden;
pub use time::{UnixMillis, rfc3339};

/// Lower-case hexadecimal, the form in which identifiers and digests are written.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The inverse of [`hex`]; `None` when the text is not hexadecimal or has an odd number of digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
