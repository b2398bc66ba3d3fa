//! age keys (<https://c2sp.org/age>): the authority's public key, and key pairs for recipients who have none yet.
//!
//! X25519 only: a passphrase would have to be shared somehow, and a plugin would run a program of someone else's
//! choosing.

use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use terms::{Secret, UnixMillis};

use crate::DisclosureError;

/// The recipient a package is sealed to: `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgeRecipient(age::x25519::Recipient);

impl AgeRecipient {
    pub(crate) fn inner(&self) -> &dyn age::Recipient {
        &self.0
    }
}

impl FromStr for AgeRecipient {
    type Err = DisclosureError;

    fn from_str(text: &str) -> Result<Self, DisclosureError> {
        text.trim().parse().map(Self).map_err(DisclosureError::Recipient)
    }
}

impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgeRecipient({self})")
    }
}

/// The key that opens a package. It belongs to the authority; needed here for verification, and for the demo.
pub struct AgeIdentity(age::x25519::Identity);

impl AgeIdentity {
    /// A new identity. (The age crate takes randomness from the system; its interface has no other way.)
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Its public key, to be given to the home.
    pub fn recipient(&self) -> AgeRecipient {
        AgeRecipient(self.0.to_public())
    }

    /// The file that `age-keygen` would write, with its creation time.
    pub fn to_file(&self, created: UnixMillis) -> Secret<String> {
        let secret = self.0.to_string();
        Secret::new(format!("# created: {created}\n# public key: {}\n{}\n", self.recipient(), secret.expose_secret()))
    }

    pub(crate) fn inner(&self) -> &dyn age::Identity {
        &self.0
    }
}

impl FromStr for AgeIdentity {
    type Err = DisclosureError;

    /// Parses an identity or an identity file, in which lines that begin with `#` are comments.
    fn from_str(text: &str) -> Result<Self, DisclosureError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(DisclosureError::Identity("it contains no key"))?;
        if lines.next().is_some() {
            return Err(DisclosureError::Identity("it contains more than one key"));
        }
        line.parse().map(Self).map_err(DisclosureError::Identity)
    }
}

impl fmt::Debug for AgeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgeIdentity(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let identity = AgeIdentity::generate();
        let file = identity.to_file(UnixMillis(0));
        assert!(file.expose().starts_with("# created: 1970-01-01T00:00:00Z\n# public key: age1"));
        let again: AgeIdentity = file.expose().parse().unwrap();
        assert_eq!(again.recipient(), identity.recipient());
        assert_eq!(identity.recipient().to_string().parse::<AgeRecipient>().unwrap(), identity.recipient());
        assert_eq!(format!("{identity:?}"), "AgeIdentity(…)");
    }

    #[test]
    fn malformed_keys_are_refused() {
        let identity = AgeIdentity::generate();
        let public = identity.recipient().to_string();
        let secret = identity.to_file(UnixMillis(0));
        for bad in ["", "age1", "age1qqqq", &public[..public.len() - 1], secret.expose(), "ssh-ed25519 AAAA"] {
            assert!(bad.parse::<AgeRecipient>().is_err());
        }
        let twice = format!("{0}{0}", secret.expose());
        for bad in ["", "# nothing", &public, &twice] {
            assert!(bad.parse::<AgeIdentity>().is_err());
        }
    }
}
