//! A message as bytes and as structure: envelope, MIME parts, sections, text.
//!
//! The bytes that arrived are kept for ever and are the truth. Everything here is a pure function over them: no file, no
//! clock, and no input on which it panics or fails. A message that is no message at all (an image, a page, a torn file)
//! still has a view, a header, a body and a BODYSTRUCTURE.
//!
//! 1. [`view()`] turns the original into what clients see (line ends of RFC 5322 section 2.3).
//! 2. [`Structure::parse`] finds the MIME parts of a view as byte ranges.
//! 3. [`envelope_wire`], [`bodystructure_wire`] and [`section`](section::section) say it in IMAP's words
//!    (RFC 9051 sections 6.4.5 and 7.5.2); [`decoded`], [`preview`] and [`search_text`] in the reader's.
//!
//! The structure is our own, since IMAP needs byte ranges of what is there, not a repaired message. Charsets, encoded
//! words and HTML are `mail-parser`'s; it may panic on odd input, so each call into it is fenced (`foreign`).

mod address;
mod bodystructure;
mod casemap;
mod date;
mod decode;
mod envelope;
mod foreign;
mod header;
pub mod mbox;
mod media;
pub mod section;
mod structure;
mod text;
mod traffic;
mod view;
mod wire;

pub use address::{AddressEntry, Mailbox, parse_addresses};
pub use bodystructure::bodystructure_wire;
pub use casemap::{casemap, casemap_into};
pub use date::{Day, Moment, parse_date, received_at, sent_at, sent_date};
pub use decode::{DecodeError, decoded};
pub use envelope::envelope_wire;
pub use header::{Field, Fields, fields, header_decoded, header_len, header_values, unfolded};
pub use media::{Media, Parameter};
pub use section::{SectionSpec, SectionText, section, subset};
pub use structure::{DEPTH_MAX, Encoding, Kind, PARTS_MAX, Part, Structure};
pub use text::{PREVIEW_CHARS_MAX, SearchText, TextField, preview, search_text};
pub use traffic::{Traffic, traffic_sidecar};
pub use view::{view, view_len};
