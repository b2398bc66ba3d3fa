//! Competent authorities of routes (`law/authorities.toml`): whom an authority that asked the provider should ask
//! instead. An address that nobody has read is not guessed: the operator's directory has it, and the route says so.

use serde::Deserialize;
use terms::Jurisdiction;

use crate::rule::Confidence;
use crate::value::{Day, read_day};

/// An authority that a route leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteAuthority {
    /// Unique in the set.
    pub id: String,
    /// Its State.
    pub state: Jurisdiction,
    /// The routes that lead to it, by id.
    pub routes: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its address; `None` if the operator's directory must have it.
    pub address: Option<String>,
    /// Where name and address were read.
    pub source: String,
    /// When they were read.
    pub read: Day,
    /// How well the source was read.
    pub confidence: Confidence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAuthorities {
    /// For readers of the file; not used.
    #[serde(rename = "title")]
    pub(crate) _title: String,
    #[serde(default, rename = "note")]
    pub(crate) _note: String,
    pub(crate) authority: Vec<toml::Spanned<RawAuthority>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAuthority {
    pub(crate) id: String,
    state: Jurisdiction,
    routes: Vec<String>,
    name: String,
    address: Option<String>,
    source: String,
    read: toml::value::Datetime,
    confidence: Confidence,
}

impl RawAuthority {
    /// The authority, or what is wrong with it.
    pub(crate) fn check(self) -> Result<RouteAuthority, String> {
        let read = read_day(&self.read).map_err(|what| format!("`read`: {what}"))?;
        let lacks = |text: &str| text.trim().is_empty();
        if lacks(&self.name) || lacks(&self.source) || self.address.as_deref().is_some_and(lacks) {
            return Err(
                "an authority needs `name` and `source`; leave `address` out if the operator's directory must have it"
                    .to_owned(),
            );
        }
        if self.routes.is_empty() {
            return Err("an authority needs `routes`: the ids of those that lead to it".to_owned());
        }
        Ok(RouteAuthority {
            id: self.id,
            state: self.state,
            routes: self.routes,
            name: self.name,
            address: self.address,
            source: self.source,
            read,
            confidence: self.confidence,
        })
    }
}

impl RouteAuthority {
    /// What a route says of it.
    pub(crate) fn in_words(&self) -> String {
        let Self { name, read, .. } = self;
        match &self.address {
            Some(address) if self.confidence == Confidence::Read => {
                format!("Competent authority: {name}, {address} (as published, read {read}).")
            }
            Some(address) => {
                format!(
                    "Competent authority: {name}, {address} (read {read} in a secondary source: check it before use)."
                )
            }
            None => format!("Competent authority: {name}; its address is in the operator's directory."),
        }
    }
}
