//! Identifiers. Account and message ids are 128 random bits and are never reused (docs/formats/message.md).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A new id from `entropy`.
            pub fn random(entropy: &dyn crate::Entropy) -> Self {
                let mut bytes = [0; 16];
                entropy.fill(&mut bytes);
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&crate::hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let bytes = crate::unhex(text).ok_or("an id is 32 hexadecimal digits")?;
                Ok(Self(bytes.try_into().map_err(|_| "an id is 32 hexadecimal digits")?))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

random_id! {
    /// An account: one owner, one home, one key pair.
    AccountId
}
random_id! {
    /// One stored message, independent of the mailboxes it is in. The `EMAILID` of RFC 8474.
    MessageId
}

macro_rules! counted_id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counted_id! {
    /// A mailbox (folder) of an account; numbered within the account, never reused. The `MAILBOXID` of RFC 8474.
    MailboxId(u32)
}
counted_id! {
    /// An epoch of an account: the period during which arriving messages share one sealed epoch key.
    EpochId(u32)
}
counted_id! {
    /// A case of a home, numbered from 1.
    CaseId(u64)
}

/// The name of an officer: 1 to 64 characters of `a-z 0-9 . _ -`, starting with a letter. It is also used as a file
/// name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfficerName(String);

/// The text is not a valid officer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfficerNameError;

impl fmt::Display for OfficerNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an officer's name is 1 to 64 characters of a-z 0-9 . _ - and starts with a letter")
    }
}

impl std::error::Error for OfficerNameError {}

impl OfficerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OfficerName {
    type Error = OfficerNameError;

    fn try_from(text: String) -> Result<Self, OfficerNameError> {
        let ok = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        if ok { Ok(Self(text)) } else { Err(OfficerNameError) }
    }
}

impl FromStr for OfficerName {
    type Err = OfficerNameError;

    fn from_str(text: &str) -> Result<Self, OfficerNameError> {
        text.to_owned().try_into()
    }
}

impl From<OfficerName> for String {
    fn from(name: OfficerName) -> Self {
        name.0
    }
}

impl fmt::Display for OfficerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
