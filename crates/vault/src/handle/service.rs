//! The service key.

use super::Vault;
use crate::transport::Asked;
use crate::{MailError, VaultError};

/// The service key: what the node needs while nobody is signed in.
impl Vault {
    /// Seals `plain` under the service key. `context` names what it is and must be given again to open; what is sealed in
    /// one context opens in no other. Adds 42 bytes.
    ///
    /// # Errors
    /// [`VaultError::Away`], [`VaultError::Locked`]: nothing was sealed; try again.
    pub fn service_seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let sealed = self.service_seal_all(vec![(context.to_owned(), plain.to_vec())])?;
        sealed.into_iter().next().ok_or(VaultError::Garbled)
    }

    /// As [`service_seal`](Self::service_seal), for a block of contexts and plain texts, in their order. A round trip costs the
    /// same for a block as for one.
    ///
    /// # Errors
    /// As [`service_seal`](Self::service_seal).
    pub fn service_seal_all(&self, items: Vec<(String, Vec<u8>)>) -> Result<Vec<Vec<u8>>, VaultError> {
        let mut out = Vec::with_capacity(items.len());
        for block in blocks(items, |(_, plain)| plain.len()) {
            let count = block.len();
            let sealed = self.link.seal_block(&block).wait()?;
            if sealed.len() != count {
                return Err(VaultError::Garbled);
            }
            out.extend(sealed);
        }
        Ok(out)
    }

    /// As [`service_seal_all`](Self::service_seal_all), while the caller does something else until it waits for the
    /// result. Only one thread may have one of these open at a time.
    pub fn service_seal_soon(&self, items: Vec<(String, Vec<u8>)>) -> SealedSoon {
        let mut blocks = blocks(items, |(_, plain)| plain.len());
        match blocks.len() {
            // What is one message goes on its way.
            1 => {
                let block = blocks.remove(0);
                let count = block.len();
                SealedSoon(Soon::Asked(self.link.seal_block(&block), count))
            }
            _ => SealedSoon(Soon::Done(self.service_seal_all(blocks.into_iter().flatten().collect()))),
        }
    }

    /// Opens what [`service_seal`](Self::service_seal) made in the same context.
    ///
    /// # Errors
    /// `MailError::DoesNotOpen`; [`VaultError::Away`], [`VaultError::Locked`]: try again.
    pub fn service_open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let opened = self.service_open_all(vec![(context.to_owned(), sealed.to_vec())])?;
        opened.into_iter().next().flatten().ok_or(VaultError::Mail(MailError::DoesNotOpen))
    }

    /// As [`service_open`](Self::service_open), for a block of contexts and sealed texts, in their order. What does not
    /// open is `None`; the others are still returned.
    ///
    /// # Errors
    /// [`VaultError::Away`], [`VaultError::Locked`]: try again.
    pub fn service_open_all(&self, items: Vec<(String, Vec<u8>)>) -> Result<Vec<Option<Vec<u8>>>, VaultError> {
        let mut out = Vec::with_capacity(items.len());
        for block in blocks(items, |(_, sealed)| sealed.len()) {
            let count = block.len();
            let opened = self.link.open_block(&block)?;
            if opened.len() != count {
                return Err(VaultError::Garbled);
            }
            out.extend(opened);
        }
        Ok(out)
    }

    /// A keyed hash (HMAC-SHA256): equal for equal data in one context, and it reveals nothing without the service key.
    ///
    /// # Errors
    /// [`VaultError::Away`], [`VaultError::Locked`]: try again.
    pub fn service_hash(&self, context: &str, data: &[u8]) -> Result<[u8; 32], VaultError> {
        let hashes = self.service_hash_all(context, vec![data.to_vec()])?;
        hashes.into_iter().next().ok_or(VaultError::Garbled)
    }

    /// As [`service_hash`](Self::service_hash), for a block of data in one context, in their order.
    ///
    /// # Errors
    /// As [`service_hash`](Self::service_hash).
    pub fn service_hash_all(&self, context: &str, data: Vec<Vec<u8>>) -> Result<Vec<[u8; 32]>, VaultError> {
        let mut out = Vec::with_capacity(data.len());
        for block in blocks(data, Vec::len) {
            let count = block.len();
            let hashes = self.link.hash_block(context, &block)?;
            if hashes.len() != count {
                return Err(VaultError::Garbled);
            }
            out.extend(hashes);
        }
        Ok(out)
    }
}

/// What [`Vault::service_seal_soon`] is sealing.
pub struct SealedSoon(Soon);

enum Soon {
    Asked(Asked<Vec<Vec<u8>>>, usize),
    Done(Result<Vec<Vec<u8>>, VaultError>),
}

impl SealedSoon {
    /// The sealed texts, in the order of the plain ones.
    ///
    /// # Errors
    /// As [`Vault::service_seal`].
    pub fn wait(self) -> Result<Vec<Vec<u8>>, VaultError> {
        match self.0 {
            Soon::Done(done) => done,
            Soon::Asked(asked, count) => {
                let sealed = asked.wait()?;
                if sealed.len() != count {
                    return Err(VaultError::Garbled);
                }
                Ok(sealed)
            }
        }
    }
}

/// How many bytes of plain or sealed text go to the keeper in one message: 1 MiB, so that no message is long, and the
/// fixed cost of one (some ten microseconds) is small compared with the sealing.
const BLOCK_BYTES: usize = 1 << 20;

/// Cuts `items` into blocks of about [`BLOCK_BYTES`]; a bigger one is a block of its own.
fn blocks<T>(items: Vec<T>, len: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut blocks: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for item in items {
        // Each has a head of some bytes, too: a million empty items do not make an empty message.
        let size = len(&item) + 64;
        match blocks.last_mut() {
            Some(block) if size <= room => {
                room -= size;
                block.push(item);
            }
            _ => {
                room = BLOCK_BYTES.saturating_sub(size);
                blocks.push(vec![item]);
            }
        }
    }
    blocks
}
