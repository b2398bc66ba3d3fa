//! The pairs of an account: the one that receives, and while a pair is being replaced the one before it.
//!
//! A new pair touches no way in: every wrap holds the root, and the private keys are sealed under the root. When nothing is
//! sealed to the old key any more, its private key leaves the file. The public key of the first pair stays for good: it
//! names the account in the context of every wrap.

use terms::{Entropy, Secret};
use vault::{OrderError, VaultError};

use super::root::Root;
use super::{AccountKeys, House, Pair, Stretch, pair_name};
use crate::crypto::{KeyPair, PrivateKey};

impl AccountKeys {
    /// Whether a pair is being replaced: two private keys open.
    pub(crate) fn is_rotating(&self) -> bool {
        self.publics().nth(1).is_some()
    }

    /// The public keys whose private keys there are, the one that receives first.
    pub(crate) fn publics(&self) -> impl Iterator<Item = [u8; 32]> {
        self.pairs.iter().rev().filter(|pair| !pair.sealed.is_empty()).map(|pair| pair.public)
    }

    /// The private keys, the one that opens new mail first.
    pub(crate) fn private_keys(&self, root: &Root) -> Result<Vec<PrivateKey>, VaultError> {
        // Made at its full size: a list that grew would leave private keys behind.
        let mut private_keys = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev().filter(|pair| !pair.sealed.is_empty()) {
            private_keys.push(self.private_of(pair, root)?);
        }
        Ok(private_keys)
    }

    /// The private keys, by the escrow key's private key.
    pub(crate) fn open_by_escrow(&self, escrow: &PrivateKey) -> Result<Vec<PrivateKey>, VaultError> {
        let root = self.root_by_escrow(escrow)?;
        self.private_keys(&root).map_err(|_| VaultError::Order(OrderError::EscrowDoesNotOpen(self.account)))
    }

    /// Makes a pair that receives from now on. Does nothing while one is being replaced.
    pub(crate) fn add_pair(&mut self, root: &Root, entropy: &dyn Entropy) {
        if !self.is_rotating() {
            let pair = KeyPair::generate(entropy);
            let sealed = root.seal(self.account, &pair_name(&pair.public), pair.private.expose(), entropy);
            self.pairs.push(Pair { public: pair.public, sealed });
        }
    }

    /// Destroys every private key but the one that receives.
    pub(crate) fn end_rotation(&mut self) {
        let last = self.pairs.len().saturating_sub(1);
        let mut place = 0;
        self.pairs.retain_mut(|pair| {
            let at = place;
            place += 1;
            if at < last {
                pair.sealed.clear();
            }
            at == 0 || at == last
        });
    }

    /// Another root under the same password: anyone who has the old one, by any secret, opens nothing in the new file.
    /// App passwords, web sessions and recovery codes end, because what wraps the root for them is not here; the secret of
    /// the owner's authenticator app stays.
    pub(crate) fn renew_root(
        &mut self,
        old: &Root,
        password: &Secret<String>,
        house: House<'_>,
        stretch: Stretch<'_>,
    ) -> Result<Root, VaultError> {
        let root = Root::random(stretch.entropy);
        for at in 0..self.pairs.len() {
            let pair = &self.pairs[at];
            if !pair.sealed.is_empty() {
                let private = self.private_of(pair, old)?;
                let name = pair_name(&pair.public);
                self.pairs[at].sealed = root.seal(self.account, &name, private.expose(), stretch.entropy);
            }
        }
        let (account, damaged) = (self.account, self.damaged());
        if let Some(codes) = self.codes.as_mut() {
            let secret = old.open(account, b"totp", &codes.sealed).map_err(|_| damaged)?;
            codes.sealed = root.seal(account, b"totp", &secret, stretch.entropy);
        }
        self.wraps.clear();
        self.set_password(&root, password, stretch)?;
        self.set_custody(self.custody, &root, house, stretch.entropy)?;
        Ok(root)
    }
}
