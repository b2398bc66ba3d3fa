//! The service key: what the node needs while nobody is signed in.

use vault::{VaultError, calls};

use crate::keeper::Keeper;

impl calls::service::Calls for Keeper {
    fn seal_block(&self, items: &[(String, Vec<u8>)]) -> Result<Vec<Vec<u8>>, VaultError> {
        Ok(items.iter().map(|(context, plain)| self.service.seal(context, plain, &*self.entropy)).collect())
    }

    fn open_block(&self, items: &[(String, Vec<u8>)]) -> Result<Vec<Option<Vec<u8>>>, VaultError> {
        Ok(items.iter().map(|(context, sealed)| self.service.open(context, sealed).ok()).collect())
    }

    fn hash_block(&self, context: &str, data: &[Vec<u8>]) -> Result<Vec<[u8; 32]>, VaultError> {
        Ok(data.iter().map(|data| self.service.hash(context, data)).collect())
    }

    fn service_hashes(&self, context: &str, data: &[u8]) -> Result<Vec<[u8; 32]>, VaultError> {
        Ok(self.service.hashes(context, data))
    }
}
