//! Unlocking by a token: the vault's own part. The token itself is another process's (`token/serve.rs`).

use std::sync::PoisonError;

use terms::Secret;
use vault::calls::Server as _;
use vault::inside::{TokenAsk, answer_info};
use vault::{CostProfile, FileError, TokenKey, UnlockError, VaultError, calls};

use crate::crypto::{KeyPair, open_hybrid};
use crate::files::{NODE_FILE, TOKEN_FILE};
use crate::node::keys::NodeKeys;
use crate::node::service_key::ServiceKey;
use crate::server::VaultServer;
use crate::unlock::token_wrap::TokenWrap;

impl calls::token::Calls for VaultServer {
    fn add_token(&self, passphrase: &Secret<String>, key: &TokenKey) -> Result<(), VaultError> {
        let service_key = self.service_key(passphrase)?;
        let own = ServiceKey::for_vault(std::slice::from_ref(&service_key));
        TokenWrap::seal(key.clone(), &[&service_key.1], &*self.place.entropy)?.write(&self.folder(), &own)
    }

    fn remove_token(&self, passphrase: &Secret<String>) -> Result<(), VaultError> {
        self.service_key(passphrase)?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.folder().remove(TOKEN_FILE)
    }

    fn ask_token(&self) -> Result<TokenAsk, VaultError> {
        let wrap = TokenWrap::read(&self.folder())?.ok_or(VaultError::Unlock(UnlockError::NoTokenKey))?;
        let pair = KeyPair::generate(&*self.place.entropy);
        let ask = wrap.ask(pair.public);
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(pair);
        Ok(ask)
    }

    /// A vault that is unlocked looks whether the answer would unlock it.
    fn take_token(&self, sealed: &[u8], cost: CostProfile) -> Result<(), VaultError> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pair = asked.ok_or(VaultError::Unlock(UnlockError::TokenAnswer))?;
        let secret = open_hybrid(&pair.private, &answer_info(&pair.public), sealed);
        let secret = secret.map_err(|_| VaultError::Unlock(UnlockError::TokenAnswer))?;
        let wrap = TokenWrap::read(&self.folder())?.ok_or(VaultError::Unlock(UnlockError::NoTokenKey))?;
        let keys = wrap.service_keys(&secret)?;
        if self.keeper().is_ok() {
            let bytes = self.folder().read_summed(NODE_FILE)?.ok_or(VaultError::Files(FileError::NotAVault))?;
            let opens = keys.iter().any(|key| NodeKeys::open_with(&bytes, key).is_ok());
            return if opens { Ok(()) } else { Err(VaultError::Unlock(UnlockError::TokenAnswer)) };
        }
        self.unlocked_by(self.open_with_one(keys, cost)?);
        Ok(())
    }
}
