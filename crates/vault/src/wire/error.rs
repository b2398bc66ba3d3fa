//! Errors of the system as they pass between a node and its vault.

use std::borrow::Cow;
use std::io;

use super::{Out, Wire};
use crate::encode::Decoder;

impl Wire for Cow<'static, str> {
    fn put(&self, out: &mut Out) {
        self.as_ref().to_owned().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        String::take(rest).map(Cow::Owned)
    }
}

/// The kinds of failure that callers tell apart; every other passes as its text.
const KINDS: [io::ErrorKind; 6] = [
    io::ErrorKind::Other,
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::StorageFull,
    io::ErrorKind::ReadOnlyFilesystem,
    io::ErrorKind::UnexpectedEof,
];

impl Wire for io::Error {
    fn put(&self, out: &mut Out) {
        let at = KINDS.iter().position(|kind| *kind == self.kind()).unwrap_or(0);
        u8::try_from(at).unwrap_or(0).put(out);
        self.to_string().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let kind = KINDS.get(usize::from(rest.u8()?))?;
        Some(Self::new(*kind, String::take(rest)?))
    }
}
