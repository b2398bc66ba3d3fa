//! The service key: what the node needs while nobody is signed in.

use super::Keeper;
use crate::VaultError;

impl Keeper {
    pub(crate) fn service_seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        self.service.seal(context, plain, &*self.entropy)
    }

    pub(crate) fn service_open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.service.open(context, sealed)
    }

    pub(crate) fn service_hashes(&self, context: &str, data: &[u8]) -> Vec<[u8; 32]> {
        self.service.hashes(context, data)
    }

    pub(crate) fn service_hash(&self, context: &str, data: &[u8]) -> [u8; 32] {
        self.service.hash(context, data)
    }
}
