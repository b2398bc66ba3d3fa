//! Size and digests of a file, computed while its bytes are streamed.

use std::io::{self, Write};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use terms::hex;

/// Size and digests of a file, as recorded everywhere in the package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digests {
    pub(crate) size_bytes: u64,
    /// Lower-case hexadecimal.
    pub(crate) sha256: String,
    /// Lower-case hexadecimal.
    pub(crate) sha512: String,
}

impl Digests {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut digester = Digester::new();
        digester.update(bytes);
        digester.finish()
    }
}

/// Computes [`Digests`] from a stream of bytes.
pub(crate) struct Digester {
    size_bytes: u64,
    sha256: digest::Context,
    sha512: digest::Context,
}

impl Digester {
    pub(crate) fn new() -> Self {
        Self {
            size_bytes: 0,
            sha256: digest::Context::new(&digest::SHA256),
            sha512: digest::Context::new(&digest::SHA512),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        self.sha512.update(bytes);
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            size_bytes: self.size_bytes,
            sha256: hex(self.sha256.finish().as_ref()),
            sha512: hex(self.sha512.finish().as_ref()),
        }
    }
}

/// A writer that passes bytes through while counting and hashing them.
pub(crate) struct Metered<W> {
    inner: W,
    size_bytes: u64,
    sha256: digest::Context,
}

impl<W: Write> Metered<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, size_bytes: 0, sha256: digest::Context::new(&digest::SHA256) }
    }

    /// The number of bytes written and their SHA-256.
    pub(crate) fn finish(self) -> (u64, terms::Digest) {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        (self.size_bytes, terms::Digest(sha256))
    }
}

impl<W: Write> Write for Metered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
