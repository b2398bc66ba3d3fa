//! Shared by the ledger's tests: a key, a log on an in-memory disk, numbered entries.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use durable::Disk;
use ledger::{Commitment, LedgerError, Log, Signer};

pub(crate) const ORIGIN: &str = "ie.bailiwick.example/ledger";

pub(crate) struct TestKey(Ed25519KeyPair);

impl TestKey {
    pub(crate) fn new(seed: u8) -> Arc<Self> {
        Arc::new(Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()))
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError> {
        Ok(self.0.sign(message).as_ref().try_into().unwrap())
    }
}

pub(crate) fn dir() -> PathBuf {
    Path::new("/ledger").to_owned()
}

pub(crate) fn create(disk: &(impl Disk + Clone + 'static)) -> Log {
    Log::create(Arc::new(disk.clone()), dir(), ORIGIN.into(), TestKey::new(1)).unwrap()
}

pub(crate) fn open(disk: &(impl Disk + Clone + 'static)) -> Result<Log, LedgerError> {
    Log::open(Arc::new(disk.clone()), dir(), ORIGIN.into(), TestKey::new(1))
}

/// Entry number `n`; all are different.
pub(crate) fn commitment(n: u64) -> Commitment {
    let mut bytes = [0xc0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Commitment(bytes)
}

pub(crate) fn commitments(range: std::ops::Range<u64>) -> Vec<Commitment> {
    range.map(commitment).collect()
}

/// Every file under `root`, sorted.
pub(crate) fn files(disk: &dyn Disk, root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in disk.list(root).unwrap() {
        let path = root.join(name);
        match disk.read(&path) {
            Ok(_) => found.push(path),
            Err(_) => found.extend(files(disk, &path)),
        }
    }
    found
}
