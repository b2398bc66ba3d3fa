//! An account's keys file: the X25519 pair and the ways in which its private half is wrapped (its *custody*).
//!
//! A file of its own for each account, never a page of a database, so that a change of password replaces the whole file
//! and a later shredding has one thing to destroy.

use terms::{AccountId, Entropy, Secret};

use crate::VaultError;
use crate::crypto::{
    CostProfile, HYBRID_OVERHEAD, KeyPair, Lanes, PassphraseBox, PassphraseError, PrivateHalf, open_hybrid, seal_hybrid,
};
use crate::encode::{Decoder, Encoder};
use crate::folder::{account_file, damaged, unreadable};

/// "Bailiwick vault account", format 1.
const MAGIC: &[u8; 4] = b"BVA\x01";

/// Octets of a private half.
const PRIVATE_LEN: usize = 32;

/// Who can open the mailbox at rest (docs/glossary.md, custody). One form so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Custody {
    /// The owner's password, or two officers together. The node alone cannot.
    Strict = 1,
}

/// How one copy of the private half is wrapped.
enum Wrap {
    /// Under the owner's password.
    Password(PassphraseBox),
    /// To the escrow key of the home.
    Escrow {
        /// The public half of that escrow key.
        to: [u8; 32],
        sealed: Vec<u8>,
    },
}

/// The kinds of wraps in the file.
const WRAP_PASSWORD: u8 = 1;
const WRAP_ESCROW: u8 = 2;

/// The keys of one account as they are kept.
pub(crate) struct AccountKeys {
    account: AccountId,
    custody: Custody,
    public: [u8; 32],
    wraps: Vec<Wrap>,
}

/// What Argon2id costs now, and its turn-taking.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub(crate) cost: CostProfile,
    pub(crate) lanes: &'a Lanes,
    pub(crate) entropy: &'a dyn Entropy,
}

impl AccountKeys {
    /// Makes a new pair and wraps it as `strict` custody has it: by the password and to the escrow key.
    pub(crate) fn create_strict(
        account: AccountId,
        password: &Secret<String>,
        escrow: &[u8; 32],
        stretch: Stretch<'_>,
    ) -> Result<Self, VaultError> {
        let pair = KeyPair::generate(stretch.entropy);
        let password = wrap_by_password(account, &pair.public, &pair.private, password, stretch)?;
        let sealed = seal_hybrid(escrow, &escrow_info(account, &pair.public), pair.private.expose(), stretch.entropy)
            .map_err(|_| VaultError::UnusableKey)?;
        let escrow = Wrap::Escrow { to: *escrow, sealed };
        Ok(Self { account, custody: Custody::Strict, public: pair.public, wraps: vec![password, escrow] })
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The private half, by the owner's password.
    pub(crate) fn open_by_password(&self, password: &Secret<String>, lanes: &Lanes) -> Result<PrivateHalf, VaultError> {
        let context = password_context(self.account, &self.public);
        let boxed = self.wraps.iter().find_map(|wrap| match wrap {
            Wrap::Password(boxed) => Some(boxed),
            Wrap::Escrow { .. } => None,
        });
        let opened = boxed.ok_or_else(|| self.damaged())?.open(password, &context, lanes).map_err(|why| match why {
            PassphraseError::Wrong => VaultError::WrongPassword,
            PassphraseError::Damaged => self.damaged(),
        })?;
        self.checked(&opened).ok_or_else(|| self.damaged())
    }

    /// The private half, by the escrow key's private half.
    pub(crate) fn open_by_escrow(&self, escrow: &PrivateHalf) -> Result<PrivateHalf, VaultError> {
        let shut = || VaultError::EscrowDoesNotOpen(self.account);
        let mine = escrow.public().map_err(|_| shut())?;
        let sealed = self.wraps.iter().find_map(|wrap| match wrap {
            Wrap::Escrow { to, sealed } if *to == mine => Some(sealed),
            _ => None,
        });
        let opened = open_hybrid(escrow, &escrow_info(self.account, &self.public), sealed.ok_or_else(shut)?)
            .map_err(|_| shut())?;
        self.checked(&opened).ok_or_else(shut)
    }

    /// Seals the private half to another escrow key in place of `old`, whose private half this is. `false` when it is not
    /// sealed to `old`.
    pub(crate) fn reseal_to_escrow(
        &mut self,
        old: &PrivateHalf,
        new: &[u8; 32],
        entropy: &dyn Entropy,
    ) -> Result<bool, VaultError> {
        let shut = || VaultError::EscrowDoesNotOpen(self.account);
        let mine = old.public().map_err(|_| shut())?;
        if !self.wraps.iter().any(|wrap| matches!(wrap, Wrap::Escrow { to, .. } if *to == mine)) {
            return Ok(false);
        }
        let private = self.open_by_escrow(old)?;
        let sealed = seal_hybrid(new, &escrow_info(self.account, &self.public), private.expose(), entropy);
        let sealed = sealed.map_err(|_| VaultError::UnusableKey)?;
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Escrow { .. }));
        self.wraps.push(Wrap::Escrow { to: *new, sealed });
        Ok(true)
    }

    /// The same keys under another password.
    pub(crate) fn rewrap(
        mut self,
        old: &Secret<String>,
        new: &Secret<String>,
        stretch: Stretch<'_>,
    ) -> Result<Self, VaultError> {
        let private = self.open_by_password(old, stretch.lanes)?;
        let password = wrap_by_password(self.account, &self.public, &private, new, stretch)?;
        self.wraps.retain(|wrap| !matches!(wrap, Wrap::Password(_)));
        self.wraps.insert(0, password);
        Ok(self)
    }

    /// A private half that fits the public half.
    fn checked(&self, bytes: &[u8]) -> Option<PrivateHalf> {
        let private = PrivateHalf::from_bytes(bytes)?;
        (private.public().ok()? == self.public).then_some(private)
    }

    fn damaged(&self) -> VaultError {
        damaged(&account_file(self.account))
    }

    /// The file's octets, without the check at the end (docs/formats/keys.md).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new(MAGIC).fixed(&self.account.0).u8(self.custody as u8).fixed(&self.public);
        out = out.u8(u8::try_from(self.wraps.len()).unwrap_or(u8::MAX));
        for wrap in &self.wraps {
            out = match wrap {
                Wrap::Password(boxed) => out.u8(WRAP_PASSWORD).octets(boxed.as_bytes()),
                Wrap::Escrow { to, sealed } => out.u8(WRAP_ESCROW).octets(&[to, sealed.as_slice()].concat()),
            };
        }
        out.finish()
    }

    /// Reads the file's octets. The file must be `account`'s.
    pub(crate) fn from_bytes(account: AccountId, bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(account, bytes).ok_or_else(|| unreadable(&account_file(account), &[MAGIC], bytes))
    }

    fn parse(account: AccountId, bytes: &[u8]) -> Option<Self> {
        let mut rest = Decoder::new(MAGIC, bytes)?;
        if rest.array()? != account.0 || rest.u8()? != Custody::Strict as u8 {
            return None;
        }
        let public = rest.array()?;
        let mut wraps = Vec::new();
        for _ in 0..rest.u8()? {
            let kind = rest.u8()?;
            let body = rest.octets()?;
            wraps.push(match kind {
                WRAP_PASSWORD => Wrap::Password(PassphraseBox::from_bytes(body)),
                WRAP_ESCROW if body.len() == 32 + HYBRID_OVERHEAD + PRIVATE_LEN => {
                    let (to, sealed) = body.split_first_chunk()?;
                    Wrap::Escrow { to: *to, sealed: sealed.to_vec() }
                }
                _ => return None,
            });
        }
        rest.end()?;
        Some(Self { account, custody: Custody::Strict, public, wraps })
    }
}

/// A box of the shape of an account's password wrap, which nothing opens.
pub(crate) fn decoy(cost: CostProfile, entropy: &dyn Entropy) -> PassphraseBox {
    PassphraseBox::decoy(cost, PRIVATE_LEN, entropy)
}

fn wrap_by_password(
    account: AccountId,
    public: &[u8; 32],
    private: &PrivateHalf,
    password: &Secret<String>,
    stretch: Stretch<'_>,
) -> Result<Wrap, VaultError> {
    let context = password_context(account, public);
    PassphraseBox::seal(password, &context, private.expose(), stretch.cost, stretch.lanes, stretch.entropy)
        .map(Wrap::Password)
        .map_err(|_| VaultError::CostTooHigh)
}

pub(crate) fn password_context(account: AccountId, public: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"bailiwick/account-password/v1").fixed(&account.0).fixed(public).finish()
}

fn escrow_info(account: AccountId, public: &[u8; 32]) -> Vec<u8> {
    Encoder::new(b"bailiwick/account-escrow/v1").fixed(&account.0).fixed(public).finish()
}
