//! What officers approve: one account, some categories, a span of arrival times, until a day, for stated reasons.

use serde::{Deserialize, Serialize};
use terms::{AccountId, CaseId, Category, Digest, Jurisdiction, UnixMillis};

use crate::crypto::sha256;
use crate::encode::Encoder;
use crate::{OrderError, VaultError};

/// The scope of a disclosure, as two officers approve it. Its digest is what they sign; another scope is another order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The home whose officers approve.
    pub home: Jurisdiction,
    /// The case it belongs to.
    pub case: CaseId,
    /// Whose mail.
    pub account: AccountId,
    /// What kinds of data.
    pub categories: Vec<Category>,
    /// The first moment of arrival that is in scope.
    pub from: UnixMillis,
    /// The first moment of arrival that is in scope no longer.
    pub until: UnixMillis,
    /// SHA-256 of the demand as it came in.
    pub demand: Digest,
    /// SHA-256 of the decision.
    pub decision: Digest,
    /// SHA-256 of the law set that decided.
    pub law: Digest,
    /// The moment at which approvals and clearance of this order end.
    pub expires: UnixMillis,
}

impl Order {
    /// SHA-256 of the canonical bytes (docs/formats/keys.md). Categories count as a set: order and repetition do not
    /// change it.
    pub fn digest(&self) -> Digest {
        Digest(sha256(&[&self.to_bytes()]))
    }

    /// Whether content is asked for.
    pub fn covers_content(&self) -> bool {
        self.categories.contains(&Category::Content)
    }

    /// Whether a message that arrived then is in scope.
    pub fn covers_arrival(&self, arrival: UnixMillis) -> bool {
        (self.from..self.until).contains(&arrival)
    }

    /// Refuses an order of another home, without scope, or whose time is over.
    ///
    /// # Errors
    /// `OrderError::OtherHome`, `OrderError::Malformed`, `OrderError::Expired`.
    pub fn check(&self, home: &Jurisdiction, now: UnixMillis) -> Result<(), VaultError> {
        if self.home != *home {
            return Err(VaultError::Order(OrderError::OtherHome { order: self.home.clone(), here: home.clone() }));
        }
        if self.categories.is_empty() {
            return Err(VaultError::Order(OrderError::Malformed("it names no category".into())));
        }
        if self.from >= self.until {
            return Err(VaultError::Order(OrderError::Malformed("its span of arrival times is empty".into())));
        }
        self.check_time(now)
    }

    /// Refuses an order whose time is over.
    ///
    /// # Errors
    /// `OrderError::Expired`.
    pub fn check_time(&self, now: UnixMillis) -> Result<(), VaultError> {
        if now >= self.expires { Err(VaultError::Order(OrderError::Expired(self.expires))) } else { Ok(()) }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let set = Category::ALL.into_iter().filter(|category| self.categories.contains(category));
        let codes: Vec<u8> = set.map(code).collect();
        Encoder::new(b"bailiwick/order/v1")
            .text(self.home.as_str())
            .u64(self.case.0)
            .fixed(&self.account.0)
            .bytes(&codes)
            .i64(self.from.0)
            .i64(self.until.0)
            .fixed(&self.demand.0)
            .fixed(&self.decision.0)
            .fixed(&self.law.0)
            .i64(self.expires.0)
            .finish()
    }
}

/// The category's number in the canonical bytes.
fn code(category: Category) -> u8 {
    match category {
        Category::Subscriber => 1,
        Category::Identification => 2,
        Category::Traffic => 3,
        Category::Content => 4,
    }
}
