//! The token itself, through its PKCS#11 module (OASIS PKCS #11 2.40). In the helper's process only.

use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use terms::{Entropy, Secret};
use vault::{TokenError, TokenKey};
use zeroize::Zeroizing;

use crate::crypto::rsa_public;

/// The size of a key that is made here, where the token can make it: as strong as the rest by NIST SP 800-57 part 1 (128
/// bits). A token that cannot makes one of its greatest size, 2048 at least.
const KEY_BITS: usize = 3072;
const KEY_BITS_MIN: usize = 2048;

/// The name that the key has in the token's own tools.
const KEY_LABEL: &[u8] = b"bailiwick vault";

/// A token with a session in which somebody is logged in. The session ends with it.
pub(super) struct Device {
    context: Pkcs11,
    slot: Slot,
    session: Session,
}

fn failed(error: Error) -> TokenError {
    match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => TokenError::WrongPin,
        Error::Pkcs11(RvError::PinLocked, _) => TokenError::PinLocked,
        Error::Pkcs11(why, function) => TokenError::Device(format!("{why:?} in C_{function:?}").into()),
        other => TokenError::Device(other.to_string().into()),
    }
}

impl Device {
    /// Loads the module, finds the token and logs in. A PIN that nobody `typed` is shown only to a token that has taken the
    /// last one it saw: so a wrong PIN in a file costs one try of the few that a token gives, however often the node starts.
    pub(super) fn open(module: &Path, label: &str, pin: &Secret<String>, typed: bool) -> Result<Self, TokenError> {
        let context = Pkcs11::new(module).map_err(|error| TokenError::Module(error.to_string().into()))?;
        let threads = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        context.initialize(threads).map_err(|error| TokenError::Module(error.to_string().into()))?;
        let mut found = Vec::new();
        for slot in context.get_slots_with_token().map_err(failed)? {
            // A reader with something strange in it does not keep us from finding the right one.
            let Ok(info) = context.get_token_info(slot) else { continue };
            if info.label() == label {
                found.push((slot, info));
            }
        }
        if found.len() > 1 {
            return Err(TokenError::SeveralTokens(label.to_owned()));
        }
        let (slot, info) = found.pop().ok_or_else(|| TokenError::NoToken(label.to_owned()))?;
        if info.user_pin_locked() {
            return Err(TokenError::PinLocked);
        }
        if !typed && (info.user_pin_count_low() || info.user_pin_final_try()) {
            return Err(TokenError::PinAtRisk);
        }
        let session = context.open_rw_session(slot).map_err(failed)?;
        session.login(UserType::User, Some(&AuthPin::new(pin.expose().as_str().into()))).map_err(failed)?;
        Ok(Self { context, slot, session })
    }

    /// Makes a pair whose private key never leaves the token.
    pub(super) fn make(&self, entropy: &dyn Entropy) -> Result<TokenKey, TokenError> {
        let mut id = vec![0; 16];
        entropy.fill(&mut id);
        let limits = self.context.get_mechanism_info(self.slot, MechanismType::RSA_PKCS_KEY_PAIR_GEN);
        let greatest =
            limits.map_err(|_| TokenError::NoKey("it makes no RSA keys; name one with --token-key-id".into()))?;
        let bits = KEY_BITS.min(greatest.max_key_size());
        if bits < KEY_BITS_MIN {
            return Err(TokenError::NoKey(format!("it makes RSA keys of {bits} bits at most").into()));
        }
        let common = [Attribute::Token(true), Attribute::Id(id.clone()), Attribute::Label(KEY_LABEL.to_vec())];
        let public = [
            Attribute::Private(false),
            Attribute::ModulusBits(bits.try_into().map_err(failed)?),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Encrypt(true),
        ];
        let private = [
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Decrypt(true),
            Attribute::Sign(false),
        ];
        let generate = Mechanism::RsaPkcsKeyPairGen;
        self.session
            .generate_key_pair(&generate, &[&common[..], &public].concat(), &[&common[..], &private].concat())
            .map_err(failed)?;
        self.find(&id)
    }

    /// The key of this id, which must be one that stays inside.
    pub(super) fn find(&self, id: &[u8]) -> Result<TokenKey, TokenError> {
        let private = self.object(ObjectClass::PRIVATE_KEY, id)?;
        let kept = self
            .session
            .get_attributes(private, &[AttributeType::Sensitive, AttributeType::Extractable])
            .map_err(failed)?;
        if !kept.contains(&Attribute::Sensitive(true)) || !kept.contains(&Attribute::Extractable(false)) {
            return Err(TokenError::NoKey("it gives that private key out; make one that stays inside".into()));
        }
        let public = self.object(ObjectClass::PUBLIC_KEY, id)?;
        let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
        let (mut modulus, mut exponent) = (Vec::new(), Vec::new());
        for attribute in self.session.get_attributes(public, &wanted).map_err(failed)? {
            match attribute {
                Attribute::Modulus(number) => modulus = number,
                Attribute::PublicExponent(number) => exponent = number,
                _ => {}
            }
        }
        let public = rsa_public(&modulus, &exponent)
            .map_err(|_| TokenError::NoKey("it is not an RSA key of 2048 to 8192 bits".into()))?;
        Ok(TokenKey { id: id.to_vec(), public })
    }

    /// What was sealed to the key of this id by RSA-OAEP.
    pub(super) fn decrypt(&self, id: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, TokenError> {
        let key = self.object(ObjectClass::PRIVATE_KEY, id)?;
        let oaep = PkcsOaepParams::new(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1, PkcsOaepSource::empty());
        self.session.decrypt(&Mechanism::RsaPkcsOaep(oaep), key, sealed).map(Zeroizing::new).map_err(failed)
    }

    fn object(&self, class: ObjectClass, id: &[u8]) -> Result<ObjectHandle, TokenError> {
        let found =
            self.session.find_objects(&[Attribute::Class(class), Attribute::Id(id.to_vec())]).map_err(failed)?;
        let missing = || TokenError::NoKey("there is no such key in it; is it another token of the same label?".into());
        found.first().copied().ok_or_else(missing)
    }
}
