//! Counsel's key: Ed25519, kept by counsel and never at the node, which knows only the public key.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ledger::{LedgerError, Signer, Verifier};
use terms::{Digest, Entropy, Secret};

/// The private key. It prints nothing.
pub struct CounselKey {
    name: String,
    seed: Secret<[u8; 32]>,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for CounselKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CounselKey({})", self.name)
    }
}

impl CounselKey {
    /// A new key for counsel of this name.
    ///
    /// # Errors
    /// A name with spaces, control characters or a plus.
    pub fn generate(name: &str, entropy: &dyn Entropy) -> Result<Self, LedgerError> {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        Self::from_seed(name, Secret::new(seed))
    }

    /// The key of this seed (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn from_seed(name: &str, seed: Secret<[u8; 32]>) -> Result<Self, LedgerError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| LedgerError::Signature)?;
        let key = Self { name: name.to_owned(), seed, pair };
        key.verifier().map(|_| key)
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed, for the file that counsel keeps sealed.
    pub fn seed(&self) -> &Secret<[u8; 32]> {
        &self.seed
    }

    /// The public key, for the node's configuration.
    ///
    /// # Errors
    /// None for a key that was constructed.
    pub fn verifier(&self) -> Result<Verifier, LedgerError> {
        Verifier::new(&self.name, self.public_key())
    }

    /// `text` as a note that counsel signed.
    ///
    /// # Errors
    /// A text that does not end in a newline.
    pub fn sign_note(&self, text: &str) -> Result<String, LedgerError> {
        self.verifier()?.sign_note(text, self)
    }
}

impl Signer for CounselKey {
    fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError> {
        let mut out = [0; 64];
        for (to, from) in out.iter_mut().zip(self.pair.sign(message).as_ref()) {
            *to = *from;
        }
        Ok(out)
    }
}

/// What counsel signs to have a set adopted: the text of a signed note.
pub fn set_text(digest: Digest) -> String {
    format!("bailiwick/law-set/v1\n{digest}\n")
}

/// What counsel signs to confirm one rule as it stands.
pub fn rule_text(rule: &str, digest: Digest) -> String {
    format!("bailiwick/law-rule/v1\n{rule}\n{digest}\n")
}
