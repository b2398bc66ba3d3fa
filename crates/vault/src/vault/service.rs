//! The service key and the node's signature, as the rest of the node has them.

use std::sync::Arc;

use super::Vault;
use crate::VaultError;
use crate::calls::service;
use crate::link::Link;
use crate::wire::Octets;

/// The service key: what the node needs while nobody is signed in.
impl Vault {
    /// Seals `plain` under the service key. `context` names what it is and must be given again to open; what is sealed in
    /// one context opens in no other. Adds 42 octets.
    #[expect(clippy::expect_used, reason = "a keeper in this process is always there")]
    pub fn service_seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let call = service::Seal { context: context.to_owned(), plain: Octets(plain.to_vec()) };
        self.link.call(call).expect("an unlocked keeper").0
    }

    /// Opens what [`service_seal`](Self::service_seal) made in the same context.
    ///
    /// # Errors
    /// [`VaultError::DoesNotOpen`].
    pub fn service_open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let call = service::Open { context: context.to_owned(), sealed: Octets(sealed.to_vec()) };
        self.link.call(call).map(|plain| plain.0)
    }

    /// A keyed hash (HMAC-SHA256): equal for equal data in one context, and without the service key it tells nothing.
    #[expect(clippy::expect_used, reason = "a keeper in this process is always there")]
    pub fn service_hash(&self, context: &str, data: &[u8]) -> [u8; 32] {
        let call = service::Hash { context: context.to_owned(), data: Octets(data.to_vec()) };
        self.link.call(call).expect("an unlocked keeper")
    }

    /// Signs for the node: the checkpoints of its log, and certificates.
    pub fn log_signer(&self) -> Arc<dyn ledger::Signer> {
        Arc::new(NodeSigner { link: self.link.clone(), public: *self.verifier.key() })
    }

    /// Checks what [`log_signer`](Self::log_signer) signed: the origin of the node's log and its public key.
    pub fn log_verifier(&self) -> ledger::Verifier {
        self.verifier.clone()
    }
}

/// The node's signing key as the ledger sees it.
struct NodeSigner {
    link: Link,
    public: [u8; 32],
}

impl ledger::Signer for NodeSigner {
    fn public_key(&self) -> [u8; 32] {
        self.public
    }

    #[expect(clippy::expect_used, reason = "a keeper in this process is always there")]
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.link.call(service::Sign { message: Octets(message.to_vec()) }).expect("an unlocked keeper")
    }
}
