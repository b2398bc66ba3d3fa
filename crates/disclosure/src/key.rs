//! Keys of age (<https://c2sp.org/age>): the authority's public half, and the private one for whoever has none yet.
//!
//! X25519 only. A passphrase would be shared by post, a plugin would run a program of somebody else's choosing.

use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use terms::{Secret, UnixMillis};

use crate::DisclosureError;

/// To whom a package is sealed: `age1…`.
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

/// What opens a package. The authority's matter; here for its verification, and for the demo's authority.
pub struct AgeIdentity(age::x25519::Identity);

impl AgeIdentity {
    /// A new identity. (The crate takes its chance from the system itself: its interface has no other way.)
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Its public half, to be given to the home.
    pub fn recipient(&self) -> AgeRecipient {
        AgeRecipient(self.0.to_public())
    }

    /// The file that `age-keygen` would write, with the moment it was made.
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

    /// Reads an identity or an identity file, in which lines that begin with `#` are remarks.
    fn from_str(text: &str) -> Result<Self, DisclosureError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or(DisclosureError::Identity("there is no key in it"))?;
        if lines.next().is_some() {
            return Err(DisclosureError::Identity("there is more than one key in it"));
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
    fn what_is_no_key() {
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
