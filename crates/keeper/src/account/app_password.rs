//! App passwords: random, one for each mail client, bound to some protocols, and gone without a trace in the mail when
//! they are revoked.
//!
//! An app password has 140 random bits, so it needs no stretching against guesses, and SCRAM (RFC 5802) can be offered
//! for it: the exchange yields the ClientKey, and the ClientKey unwraps the account's root. With LOGIN and PLAIN the node
//! computes the ClientKey itself. What is kept is the StoredKey, as SCRAM has it, and the root and the ServerKey sealed
//! under the ClientKey: anyone who has the file has neither.

use terms::{AccountId, Entropy, UnixMillis};
use vault::inside::{Decoder, Encoder};
use vault::{NAME_BYTES_MAX, OwnerError, Scopes, VaultError};
use zeroize::Zeroizing;

use super::root::{ROOT_LEN, Root};
use super::wrap::{RandomWrap, context};
use crate::crypto::{Key32, ScramKeys, same, stored_key};

/// Characters of an app password: 28 of 5 bits, in groups of 4, and the 6 dashes between them.
const PASSWORD_CHARS: usize = 28 + 6;

/// The letters of generated secrets: no `i`, `l`, `o`, `1`, which look alike.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";

/// One app password as it is kept.
pub(crate) struct AppPassword {
    pub(crate) id: u32,
    pub(crate) scopes: Scopes,
    pub(crate) created: UnixMillis,
    /// The first moment at which it serves no longer; 0: never.
    pub(crate) expires: UnixMillis,
    stored_key: [u8; 32],
    /// Sealed under the root.
    name: Vec<u8>,
    /// Root and ServerKey, under the ClientKey.
    wrap: RandomWrap,
}

/// What the owner wants of a new app password.
pub(crate) struct Wanted<'a> {
    pub(crate) id: u32,
    pub(crate) name: &'a str,
    pub(crate) scopes: Scopes,
    pub(crate) created: UnixMillis,
    pub(crate) expires: UnixMillis,
}

impl AppPassword {
    pub(crate) fn new(
        account: AccountId,
        first_public: &[u8; 32],
        wanted: &Wanted<'_>,
        keys: &ScramKeys,
        root: &Root,
        entropy: &dyn Entropy,
    ) -> Self {
        let mut plain = Zeroizing::new(Vec::with_capacity(ROOT_LEN + 32));
        plain.extend_from_slice(root.expose());
        plain.extend_from_slice(keys.server.as_ref());
        let context = wrap_context(account, first_public, wanted.id);
        Self {
            id: wanted.id,
            scopes: wanted.scopes,
            created: wanted.created,
            expires: wanted.expires,
            stored_key: stored_key(&keys.client),
            name: root.seal(account, &name_context(wanted.id), wanted.name.as_bytes(), entropy),
            wrap: RandomWrap::seal(keys.client.as_ref(), &context, &plain, entropy),
        }
    }

    pub(crate) fn stored_key(&self) -> &[u8; 32] {
        &self.stored_key
    }

    /// Whether it serves for this at this moment.
    pub(crate) fn serves(&self, scope: Scopes, now: UnixMillis) -> bool {
        self.scopes.covers(scope) && (self.expires.0 == 0 || now < self.expires)
    }

    /// Root and ServerKey by the ClientKey; `None` for another one.
    pub(crate) fn open(
        &self,
        account: AccountId,
        first_public: &[u8; 32],
        client_key: &Key32,
    ) -> Option<(Root, Key32)> {
        if !same(&stored_key(client_key), &self.stored_key) {
            return None;
        }
        let plain = self.wrap.open(client_key.as_ref(), &wrap_context(account, first_public, self.id)).ok()?;
        let (root, server) = plain.split_at_checked(ROOT_LEN)?;
        let mut server_key = Key32::default();
        server_key.copy_from_slice(server);
        Some((Root::from_bytes(root)?, server_key))
    }

    /// The name that the owner gave it.
    pub(crate) fn name(&self, account: AccountId, root: &Root) -> Option<String> {
        let plain = root.open(account, &name_context(self.id), &self.name).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        Encoder::new(&[])
            .u32(self.id)
            .u8(self.scopes.bits())
            .i64(self.created.0)
            .i64(self.expires.0)
            .fixed(&self.stored_key)
            .bytes(&self.name)
            .bytes(self.wrap.as_bytes())
            .finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(&[], bytes)?;
        let password = Self {
            id: rest.u32()?,
            scopes: Scopes::from_bits(rest.u8()?)?,
            created: UnixMillis(rest.i64()?),
            expires: UnixMillis(rest.i64()?),
            stored_key: rest.array()?,
            name: rest.bytes()?.to_vec(),
            wrap: RandomWrap::from_bytes(rest.bytes()?, ROOT_LEN + 32)?,
        };
        rest.end()?;
        Some(password)
    }
}

fn wrap_context(account: AccountId, first_public: &[u8; 32], id: u32) -> Vec<u8> {
    context(b"bailiwick/account-app-password/v1", account, first_public).u32(id).finish()
}

fn name_context(id: u32) -> Vec<u8> {
    Encoder::new(b"app password name").u32(id).finish()
}

/// A new secret of 140 random bits for a person to type: 7 groups of 4 letters, with a dash between them. App passwords
/// and recovery codes are such.
pub(crate) fn generate(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 28]);
    entropy.fill(bytes.as_mut());
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD_CHARS));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    text
}

/// Whether a text has the form of a generated secret. This says nothing about whose it is; anyone who guesses learns nothing from
/// it, because the form is known to all.
pub(crate) fn looks_generated(text: &str) -> bool {
    let bytes = text.as_bytes();
    let letter = |(at, byte): (usize, &u8)| if at % 5 == 4 { *byte == b'-' } else { LETTERS.contains(byte) };
    bytes.len() == PASSWORD_CHARS && bytes.iter().enumerate().all(letter)
}

/// A name for an app password or a session: some text, on one line.
pub(crate) fn check_name(name: &str) -> Result<(), VaultError> {
    let fits = !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(terms::is_hidden);
    if fits { Ok(()) } else { Err(VaultError::Owner(OwnerError::Name)) }
}
