//! Replacing the service key. The new one seals at once, and both open, until whatever is sealed under the old one is sealed
//! under the new: the vault's own files here, rows and files of other crates by their rooms. Then the old one is overwritten.
//!
//! The number of the key is in every sealing, so that a sweep sees what is left, and a start in the midst of it continues.

use std::sync::PoisonError;

use terms::Secret;
use vault::{RotationError, VaultError, calls};
use zeroize::Zeroizing;

use crate::account::Stretch;
use crate::crypto::random_key;
use crate::files::{
    ACCOUNTS, CLEARANCES, DAYS, HELD, NODE_FILE, OFFICERS, RESETS, ROSTER_FILE, SEEN, damaged, older_file,
};
use crate::keeper::Keeper;
use crate::node::keys::NodeKeys;
use crate::node::service_key::{Numbered, ServiceKey};
use crate::owners::door::MADE_UP_FILE;
use crate::unlock::key_holders::KeyHolders;
use crate::unlock::token_wrap::TokenWrap;

/// How long both keys open at least: a minute, longer than anything takes from its sealing to its commit.
const BOTH_MILLIS_MIN: i64 = 60_000;

fn to_bytes(keys: &[Numbered]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(vec![u8::try_from(keys.len()).unwrap_or(u8::MAX)]);
    for (number, key) in keys {
        out.push(*number);
        out.extend_from_slice(key.as_ref());
    }
    out
}

impl calls::service_rotation::Calls for Keeper {
    fn service_generations(&self) -> Result<Vec<u8>, VaultError> {
        Ok(self.own.generations())
    }

    fn begin_service_rotation(&self, passphrase: &Secret<String>) -> Result<u8, VaultError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let number = keys.all[0].0;
        if keys.all.len() > 1 {
            return Ok(number);
        }
        let bytes = self.folder.read_summed(NODE_FILE)?.ok_or_else(|| damaged(NODE_FILE))?;
        let (node, _) = NodeKeys::open(&bytes, passphrase, &self.lanes)?;
        let next = number.checked_add(1).unwrap_or(crate::node::service_key::FIRST_GENERATION);
        let fresh: Numbered = (next, random_key(&*self.entropy));
        let file = older_file(next);
        let older = ServiceKey::for_vault(std::slice::from_ref(&fresh));
        self.folder.write(&file, &older.seal(&file, &to_bytes(&keys.all), &*self.entropy))?;
        if let Some(mut key_holders) = KeyHolders::verified(&self.folder, &self.own)? {
            key_holders.seal_keys(&[&fresh.1, &keys.all[0].1], &*self.entropy)?;
            key_holders.write(&self.folder, &self.own)?;
        }
        TokenWrap::reseal(&self.folder, &self.own, &[&fresh.1, &keys.all[0].1], &*self.entropy)?;
        let stretch = Stretch { cost: self.cost, lanes: &self.lanes, entropy: &*self.entropy };
        // The moment at which it happens.
        self.folder.write_summed(NODE_FILE, node.to_bytes(&fresh, passphrase, stretch)?)?;
        keys.all.insert(0, fresh);
        keys.began = self.clock.now();
        self.service.replace_for_rooms(&keys.all);
        self.own.replace_for_vault(&keys.all);
        Ok(next)
    }

    fn change_node_passphrase(&self, old: &Secret<String>, new: &Secret<String>) -> Result<(), VaultError> {
        if new.expose().is_empty() {
            return Err(VaultError::EmptyPassphrase);
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = self.folder.read_summed(NODE_FILE)?.ok_or_else(|| damaged(NODE_FILE))?;
        let (node, current) = NodeKeys::open(&bytes, old, &self.lanes)?;
        let stretch = Stretch { cost: self.cost, lanes: &self.lanes, entropy: &*self.entropy };
        self.folder.write_summed(NODE_FILE, node.to_bytes(&current, new, stretch)?)
    }

    fn reseal_own_files(&self) -> Result<u64, VaultError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        let mut checked = vec![ROSTER_FILE.to_owned()];
        for folder in [ACCOUNTS, OFFICERS, HELD] {
            checked.extend(self.folder.list(folder)?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        for file in checked {
            let Some(body) = self.folder.read_stale(&self.own, &file)? else { continue };
            self.folder.write_checked(&self.own, &file, body)?;
            count += 1;
        }
        for account in self.account_ids()? {
            // A wrap under the service key is inside a file that may be checked under the new one already.
            let mut keys = self.account_keys(account)?;
            if keys.reseal_to_service(&self.own, &*self.entropy)? {
                self.write_account(account, &keys)?;
                count += 1;
            }
        }
        let current = self.own.generations()[0];
        let mut sealed_whole = vec![MADE_UP_FILE.to_owned()];
        for folder in [CLEARANCES, DAYS, SEEN, RESETS] {
            sealed_whole.extend(self.folder.list(folder)?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        for file in sealed_whole {
            let Some(sealed) = self.folder.read(&file)? else { continue };
            if sealed.get(1) != Some(&current) {
                let plain = self.own.open(&file, &sealed).map(Zeroizing::new).map_err(|_| damaged(&file))?;
                self.folder.write(&file, &self.own.seal(&file, &plain, &*self.entropy))?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn finish_service_rotation(&self) -> Result<(), VaultError> {
        if self.reseal_own_files()? > 0 {
            return Err(VaultError::Rotation(RotationError::TooSoon));
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.all.len() == 1 {
            return Ok(());
        }
        if self.clock.now() < keys.began.plus_millis(BOTH_MILLIS_MIN) {
            return Err(VaultError::Rotation(RotationError::TooSoon));
        }
        if let Some(mut key_holders) = KeyHolders::verified(&self.folder, &self.own)? {
            key_holders.seal_keys(&[&keys.all[0].1], &*self.entropy)?;
            key_holders.write(&self.folder, &self.own)?;
        }
        TokenWrap::reseal(&self.folder, &self.own, &[&keys.all[0].1], &*self.entropy)?;
        self.folder.remove(&older_file(keys.all[0].0))?;
        keys.all.truncate(1);
        self.service.replace_for_rooms(&keys.all);
        self.own.replace_for_vault(&keys.all);
        Ok(())
    }
}
