//! A message as bytes and as structure: envelope, MIME parts, sections, text.
//!
//! The bytes that arrived are kept unchanged and are authoritative. Everything here is a pure function of them: no
//! files, no clock, and no input makes it panic or fail. Even bytes that are not a message at all (an image, a web
//! page, a truncated file) have a view, a header, a body and a BODYSTRUCTURE.
//!
//! 1. [`view()`] turns the original into what clients see (with the line ends of RFC 5322 section 2.3).
//! 2. [`Structure::parse`] finds the MIME parts of a view as byte ranges.
//! 3. [`envelope_wire`], [`bodystructure_wire`] and [`section`](section::section) present it in IMAP's format (RFC 9051
//!    sections 6.4.5 and 7.5.2); [`decoded`], [`preview`] and [`search_text`] as readable text.
//!
//! We parse the structure ourselves, since IMAP needs byte ranges of the message as it is, not of a repaired one.
//! `mail-parser` handles charsets, encoded words and HTML; it may panic on odd input, so each call to it catches panics
//! (`foreign`).

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
