//! Where a mailbox lives and whose law governs it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// ISO 3166-1 alpha-2 (`IE`), 3166-2 (`US-NY`), or a union (`EU`). Upper case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Jurisdiction(String);

/// The text is not a jurisdiction code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JurisdictionError;

impl fmt::Display for JurisdictionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a jurisdiction is a country code (IE), optionally with a subdivision (US-NY), or a union (EU)")
    }
}

impl std::error::Error for JurisdictionError {}

impl Jurisdiction {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country or union without the subdivision: `US` for `US-NY`.
    pub fn state(&self) -> &str {
        &self.0[..2]
    }
}

impl TryFrom<String> for Jurisdiction {
    type Error = JurisdictionError;

    fn try_from(text: String) -> Result<Self, JurisdictionError> {
        let (state, subdivision) = match text.split_once('-') {
            Some((state, subdivision)) => (state, Some(subdivision)),
            None => (text.as_str(), None),
        };
        let ok = state.len() == 2
            && state.bytes().all(|b| b.is_ascii_uppercase())
            && subdivision.is_none_or(|s| {
                (1..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            });
        if ok { Ok(Self(text)) } else { Err(JurisdictionError) }
    }
}

impl FromStr for Jurisdiction {
    type Err = JurisdictionError;

    fn from_str(text: &str) -> Result<Self, JurisdictionError> {
        text.to_owned().try_into()
    }
}

impl From<Jurisdiction> for String {
    fn from(jurisdiction: Jurisdiction) -> Self {
        jurisdiction.0
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for good in ["IE", "US", "US-NY", "EU", "DE-BY"] {
            assert!(good.parse::<Jurisdiction>().is_ok(), "{good}");
        }
        for bad in ["", "ie", "IRL", "I", "US-", "US-newyork", "../x", "US-NYCX"] {
            assert!(bad.parse::<Jurisdiction>().is_err(), "{bad}");
        }
    }
}
