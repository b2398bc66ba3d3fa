//! Web sessions that carry their own secret: the browser holds it, the node keeps a wrap that only it opens.
//!
//! So a session lasts over a restart of the node without a key in the node's memory or under the service key, and ends for
//! certain when its wrap is gone.

use data_encoding::BASE64URL_NOPAD;
use terms::{AccountId, Entropy, Secret, UnixMillis};
use vault::SessionToken;
use vault::inside::{Decoder, Encoder, Key32, random_key};
use zeroize::Zeroizing;

use super::root::{ROOT_LEN, Root};
use super::wrap::{RandomWrap, context};

/// Bytes in a token: account (16), session (4), secret (32).
const TOKEN_LEN: usize = 16 + 4 + 32;

/// The token of a session, for the browser.
pub(crate) fn token_of(account: AccountId, id: u32, secret: &Key32) -> SessionToken {
    let mut bytes = Zeroizing::new(Vec::with_capacity(TOKEN_LEN));
    bytes.extend_from_slice(&account.0);
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(secret.as_ref());
    SessionToken::new(Secret::new(BASE64URL_NOPAD.encode(&bytes)))
}

/// Account, session and secret of a token; `None` when it is not a token.
pub(crate) fn token_parts(token: &SessionToken) -> Option<(AccountId, u32, Key32)> {
    let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(token.expose().as_bytes()).ok()?);
    let mut rest = Decoder::new(&[], &bytes)?;
    let parts = (AccountId(rest.array()?), rest.u32()?, Zeroizing::new(rest.array()?));
    rest.end()?;
    Some(parts)
}

/// One session as it is kept.
pub(crate) struct Session {
    pub(crate) id: u32,
    pub(crate) created: UnixMillis,
    /// The first moment at which it serves no longer.
    pub(crate) expires: UnixMillis,
    /// Sealed under the root.
    name: Vec<u8>,
    wrap: RandomWrap,
}

impl Session {
    /// A new session and its secret.
    pub(crate) fn new(
        account: AccountId,
        first_public: &[u8; 32],
        id: u32,
        name: &str,
        [created, expires]: [UnixMillis; 2],
        root: &Root,
        entropy: &dyn Entropy,
    ) -> (Self, Key32) {
        let secret = random_key(entropy);
        let session = Self {
            id,
            created,
            expires,
            name: root.seal(account, &name_context(id), name.as_bytes(), entropy),
            wrap: RandomWrap::seal(secret.as_ref(), &wrap_context(account, first_public, id), root.expose(), entropy),
        };
        (session, secret)
    }

    /// The root, by the session's secret, while its time lasts.
    pub(crate) fn open(
        &self,
        account: AccountId,
        first_public: &[u8; 32],
        secret: &Key32,
        now: UnixMillis,
    ) -> Option<Root> {
        if now >= self.expires {
            return None;
        }
        let plain = self.wrap.open(secret.as_ref(), &wrap_context(account, first_public, self.id)).ok()?;
        Root::from_bytes(&plain)
    }

    /// The name that tells the owner which browser it is.
    pub(crate) fn name(&self, account: AccountId, root: &Root) -> Option<String> {
        let plain = root.open(account, &name_context(self.id), &self.name).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        Encoder::new(&[])
            .u32(self.id)
            .i64(self.created.0)
            .i64(self.expires.0)
            .bytes(&self.name)
            .bytes(self.wrap.as_bytes())
            .finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(&[], bytes)?;
        let session = Self {
            id: rest.u32()?,
            created: UnixMillis(rest.i64()?),
            expires: UnixMillis(rest.i64()?),
            name: rest.bytes()?.to_vec(),
            wrap: RandomWrap::from_bytes(rest.bytes()?, ROOT_LEN)?,
        };
        rest.end()?;
        Some(session)
    }
}

fn wrap_context(account: AccountId, first_public: &[u8; 32], id: u32) -> Vec<u8> {
    context(b"bailiwick/account-session/v1", account, first_public).u32(id).finish()
}

fn name_context(id: u32) -> Vec<u8> {
    Encoder::new(b"session name").u32(id).finish()
}
