//! Signed notes (<https://c2sp.org/signed-note>): a text, a blank line, signature lines. Ed25519, type `0x01`, only.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::{digest, signature};
use data_encoding::BASE64;

use crate::LedgerError;

/// Signature type `0x01`: Ed25519.
const ED25519: u8 = 0x01;

/// A note with more signatures is refused. The specification requires at least 16; a home's log has its own and those
/// of a few witnesses.
const SIGNATURES_MAX: usize = 64;

/// Signs for the log. `vault` holds the key.
pub trait Signer: Send + Sync {
    /// The Ed25519 public key (RFC 8032).
    fn public_key(&self) -> [u8; 32];
    /// Signs `message`.
    ///
    /// # Errors
    /// [`LedgerError::NoSignature`] if the key is unavailable: nothing was signed, and the call may be repeated.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError>;
}

/// What is needed to verify a note: a name, which for a log is its origin, and a key. Its text form is a C2SP verifier
/// key (`vkey`): `<name>+<key id>+<base64 of 0x01 and the key>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

impl Verifier {
    /// A verifier for notes signed as `name` with `key`.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if the name is empty or contains a space, a control character or a plus.
    pub fn new(name: &str, key: [u8; 32]) -> Result<Self, LedgerError> {
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
            return Err(LedgerError::Malformed("a key name must not contain spaces, control characters or plus signs"));
        }
        Ok(Self { name: name.to_owned(), key })
    }

    /// The name of the key: the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// The first four bytes of `SHA-256(name || 0x0A || 0x01 || key)`.
    pub fn key_id(&self) -> [u8; 4] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [self.name.as_bytes(), b"\n", &[ED25519], &self.key] {
            context.update(part);
        }
        let mut id = [0; 4];
        id.copy_from_slice(&context.finish().as_ref()[..4]);
        id
    }

    /// Verifies a bare Ed25519 signature over `message`.
    ///
    /// # Errors
    /// [`LedgerError::Signature`].
    pub fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> Result<(), LedgerError> {
        signature::UnparsedPublicKey::new(&signature::ED25519, &self.key)
            .verify(message, signature)
            .map_err(|_| LedgerError::Signature)
    }

    /// The text of `note`, including its final newline, if this key signed it. Signatures by other keys are ignored, as
    /// the specification requires; an invalid one under this key's name fails the whole note.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] or [`LedgerError::Signature`].
    pub fn verify_note<'n>(&self, note: &'n str) -> Result<&'n str, LedgerError> {
        const SHAPE: LedgerError = LedgerError::Malformed("a signed note is text, an empty line and signature lines");
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(SHAPE);
        }
        let text_len = note.rfind("\n\n").ok_or(SHAPE)? + 1;
        let (text, signatures) = (&note[..text_len], &note[text_len + 1..]);
        let signatures = signatures.strip_suffix('\n').ok_or(SHAPE)?;
        let mut signed = false;
        for (count, line) in signatures.split('\n').enumerate() {
            let (name, blob) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(SHAPE)?;
            let blob = BASE64.decode(blob.as_bytes()).map_err(|_| SHAPE)?;
            if count >= SIGNATURES_MAX || name.is_empty() {
                return Err(SHAPE);
            }
            let (id, signature) = blob.split_at_checked(4).ok_or(SHAPE)?;
            if name == self.name && id == self.key_id() {
                self.verify_bytes(text.as_bytes(), signature)?;
                signed = true;
            }
        }
        if signed { Ok(text) } else { Err(LedgerError::Signature) }
    }

    /// Signs `text` as a note with `signer`, whose key must be this one; the result is verified before it is returned.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if `text` does not end in a newline or contains other control characters;
    /// [`LedgerError::Signature`] if the signer has another key; errors of the signer.
    pub fn sign_note(&self, text: &str, signer: &dyn Signer) -> Result<String, LedgerError> {
        let note = format!("{text}\n{}", self.signature_line(text, signer)?);
        if self.verify_note(&note)? != text {
            return Err(LedgerError::Malformed("a note's text must end in a newline"));
        }
        Ok(note)
    }
}

impl Verifier {
    /// The signature line of `signer` for a note of `text`.
    pub(crate) fn signature_line(&self, text: &str, signer: &dyn Signer) -> Result<String, LedgerError> {
        let signature = [&self.key_id()[..], &signer.sign(text.as_bytes())?].concat();
        Ok(format!("— {} {}\n", self.name, BASE64.encode(&signature)))
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], &self.key[..]].concat();
        write!(f, "{}+{}+{}", self.name, terms::hex(&self.key_id()), BASE64.encode(&key))
    }
}

impl FromStr for Verifier {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        const SHAPE: LedgerError = LedgerError::Malformed("a verifier key is <name>+<key id>+<base64>");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SHAPE);
        };
        let key = BASE64.decode(key.as_bytes()).map_err(|_| SHAPE)?;
        let Some((&ED25519, key)) = key.split_first() else {
            return Err(LedgerError::Malformed("a verifier key must be Ed25519 (type 1)"));
        };
        let verifier = Self::new(name, key.try_into().map_err(|_| SHAPE)?)?;
        if terms::hex(&verifier.key_id()) != id {
            return Err(LedgerError::Malformed("the verifier key's id does not match its name and key"));
        }
        Ok(verifier)
    }
}

impl serde::Serialize for Verifier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Verifier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's example.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n— example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    /// Another example of the specification, by a key that we do not have.
    const STRANGER: &str = "— quasimodo.example/salvatore \
        NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

    #[test]
    fn the_example_of_the_specification() {
        let verifier: Verifier = VKEY.parse().unwrap();
        assert_eq!(verifier.to_string(), VKEY);
        assert_eq!(verifier.verify_note(NOTE).unwrap(), "This is an example message.\n");
        assert!(verifier.verify_note(&format!("{NOTE}{STRANGER}")).is_ok(), "unknown signatures are ignored");
    }

    #[test]
    fn malformed_and_foreign_notes_are_refused() {
        let verifier: Verifier = VKEY.parse().unwrap();
        let stranger_only = format!("This is an example message.\n\n{STRANGER}");
        for bad in [
            "",
            "\n",
            "\n\n",
            "text\n",
            "text\n\n",
            "text\n\n\n",
            &NOTE[..NOTE.len() - 1],
            &NOTE.replace("example message", "exemple message"),
            &NOTE.replace("Uw2Q", "Uw2R"),
            &NOTE.replace("eyaQM", "eyaQN"),
            &NOTE.replace("— ", "- "),
            &NOTE.replace("This", "Th\ris"),
            &NOTE.replace("example.com/foo", "example.com/bar"),
            &stranger_only,
            &format!("{NOTE}\n"),
            &format!("{NOTE}{}", NOTE.lines().last().unwrap()),
        ] {
            assert!(verifier.verify_note(bad).is_err(), "{bad:?}");
        }
        // An invalid signature under the known key's name fails the note despite a valid one.
        let false_one = NOTE.lines().last().unwrap().replace("kn8", "kn9");
        assert!(verifier.verify_note(&format!("{NOTE}{false_one}\n")).is_err());
        for bad in [
            "",
            "example.com/foo",
            "example.com/foo+530d903a",
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fo +530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
        ] {
            assert!(bad.parse::<Verifier>().is_err(), "{bad}");
        }
    }
}
