//! The ways in: how one copy of an account's root is wrapped.

use terms::{AccountId, Entropy};
use vault::inside::{Decoder, Encoder};
use zeroize::Zeroizing;

use super::app_password::AppPassword;
use super::root::ROOT_LEN;
use super::session::Session;
use crate::crypto::{AeadKey, DoesNotOpen, HYBRID_OVERHEAD, Key32, NONCE_ZERO, PassphraseBox, Prk, TAG_LEN, same};

/// The kinds of wraps in the file.
const PASSWORD: u8 = 1;
const ESCROW: u8 = 2;
const SERVICE: u8 = 3;
const APP_PASSWORD: u8 = 4;
const RECOVERY: u8 = 5;
const SESSION: u8 = 6;

/// One way in.
pub(crate) enum Wrap {
    /// Under the owner's password.
    Password(PassphraseBox),
    /// To the escrow key of the home.
    Escrow {
        /// The public key of that escrow key.
        to: [u8; 32],
        sealed: Vec<u8>,
    },
    /// Under the service key.
    Service(Vec<u8>),
    /// Under a random password for one mail client.
    AppPassword(AppPassword),
    /// Under a recovery code.
    Recovery(RandomWrap),
    /// Under the secret of a web session.
    Session(Session),
}

impl Wrap {
    /// Kind (1) and body (4 + n).
    pub(crate) fn write(&self, out: Encoder) -> Encoder {
        match self {
            Self::Password(boxed) => out.u8(PASSWORD).bytes(boxed.as_bytes()),
            Self::Escrow { to, sealed } => out.u8(ESCROW).bytes(&[to, sealed.as_slice()].concat()),
            Self::Service(sealed) => out.u8(SERVICE).bytes(sealed),
            Self::AppPassword(password) => out.u8(APP_PASSWORD).bytes(&password.to_bytes()),
            Self::Recovery(wrap) => out.u8(RECOVERY).bytes(wrap.as_bytes()),
            Self::Session(session) => out.u8(SESSION).bytes(&session.to_bytes()),
        }
    }

    pub(crate) fn read(rest: &mut Decoder<'_>) -> Option<Self> {
        let kind = rest.u8()?;
        let body = rest.bytes()?;
        match kind {
            PASSWORD => Some(Self::Password(PassphraseBox::from_bytes(body))),
            ESCROW if body.len() == 32 + HYBRID_OVERHEAD + ROOT_LEN => {
                let (to, sealed) = body.split_first_chunk()?;
                Some(Self::Escrow { to: *to, sealed: sealed.to_vec() })
            }
            SERVICE => Some(Self::Service(body.to_vec())),
            APP_PASSWORD => AppPassword::from_bytes(body).map(Self::AppPassword),
            RECOVERY => RandomWrap::from_bytes(body, ROOT_LEN).map(Self::Recovery),
            SESSION => Session::from_bytes(body).map(Self::Session),
            _ => None,
        }
    }
}

/// Bytes of the salt of a [`RandomWrap`].
const SALT_LEN: usize = 24;

/// Bytes that a [`RandomWrap`] adds to what it wraps.
pub(crate) const RANDOM_WRAP_OVERHEAD: usize = TEXT_AT + TAG_LEN;

/// Where the text of a [`RandomWrap`] begins.
const TEXT_AT: usize = SALT_LEN + 32;

/// Something sealed under a secret that nobody can guess (128 random bits or more), so that no stretching is needed: salt
/// (24), commitment (32), ciphertext and tag. The salt gives each its own key; the commitment tells another secret from
/// damage, and lets a list of wraps be tried without an AEAD call for each.
pub(crate) struct RandomWrap(Vec<u8>);

impl RandomWrap {
    /// `context` names what it is and whose.
    pub(crate) fn seal(secret: &[u8], context: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Self {
        let mut out = vec![0; SALT_LEN];
        entropy.fill(&mut out);
        let (key, commitment) = derive(secret, context, &out);
        out.extend_from_slice(&commitment);
        AeadKey::new(&key).seal_into(NONCE_ZERO, context, plain, &mut out);
        Self(out)
    }

    pub(crate) fn open(&self, secret: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (key, commitment) = derive(secret, context, &self.0[..SALT_LEN]);
        if !same(&commitment, &self.0[SALT_LEN..TEXT_AT]) {
            return Err(DoesNotOpen);
        }
        let mut plain = Vec::with_capacity(self.0.len() - TEXT_AT);
        AeadKey::new(&key).open_into(NONCE_ZERO, context, &self.0[TEXT_AT..], &mut plain)?;
        Ok(Zeroizing::new(plain))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A wrap of `plain_len` bytes.
    pub(crate) fn from_bytes(bytes: &[u8], plain_len: usize) -> Option<Self> {
        (bytes.len() == TEXT_AT + plain_len + TAG_LEN).then(|| Self(bytes.to_vec()))
    }
}

/// The work of trying a secret on a [`RandomWrap`] that is not there.
pub(crate) fn try_nothing(secret: &[u8], context: &[u8]) {
    let (_, commitment) = derive(secret, context, &[0; SALT_LEN]);
    let _ = same(&commitment, &[0; 32]);
}

fn derive(secret: &[u8], context: &[u8], salt: &[u8]) -> (Key32, [u8; 32]) {
    let okm = Prk::extract(salt, secret).expand::<64>(&[b"bailiwick/random-wrap/v1", context]);
    let (mut key, mut commitment) = (Key32::default(), [0; 32]);
    key.copy_from_slice(&okm[..32]);
    commitment.copy_from_slice(&okm[32..]);
    (key, commitment)
}

/// Binds a wrap to its kind, the account and the account's first pair, which never changes.
pub(crate) fn context(kind: &[u8], account: AccountId, first_public: &[u8; 32]) -> Encoder {
    Encoder::new(kind).fixed(&account.0).fixed(first_public)
}
