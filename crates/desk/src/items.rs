//! What goes into a package: every item in scope, produced, withheld or failed.

use std::io;

use disclosure::{PackageItem, PackageOutcome};
use serde_json::{Value, json};
use store::{ScopedMessage, StoreError};
use terms::{Category, MessageId};
use vault::{Clearance, Order, Part};

use crate::held::Held;
use crate::{Case, Desk};

impl Desk {
    /// The items of a package, opened one by one as they are asked for. An error ends the collection: a package that lists
    /// everything else as failed, because the clearance expired or the store was gone, would be no answer.
    pub(crate) fn items<'a>(
        &'a self,
        case: &Case,
        order: &'a Order,
        clearance: &'a Clearance,
        held: &'a Held,
    ) -> impl Iterator<Item = io::Result<PackageItem>> + 'a {
        let record = order.categories.contains(&Category::Subscriber).then(|| self.subscriber(case));
        let unstored = order.categories.contains(&Category::Identification).then(not_stored);
        let messages = held.messages.iter().map(move |message| self.message(order, clearance, message));
        let missing = held.missing.iter().map(|id| Ok(gone(*id)));
        record.into_iter().chain(unstored).map(Ok).chain(messages).chain(missing)
    }

    /// A message in scope: its original octets and what the node knows about it, or why it is not produced.
    fn message(&self, order: &Order, clearance: &Clearance, message: &ScopedMessage) -> io::Result<PackageItem> {
        clearance.check_time().map_err(io::Error::other)?;
        let outcome = match self.parts.store.open_for(clearance, message, Part::Original) {
            Ok(original) => PackageOutcome::Message { sidecar: self.sidecar(order, clearance, message), original },
            Err(error) => PackageOutcome::Failed { reason: of_this_one(error)?.to_owned() },
        };
        Ok(PackageItem { id: message.id.to_string(), arrival: Some(message.arrival), outcome })
    }

    /// What the node knows about a message besides its octets, within the categories ordered: the trace headers say where
    /// it came from, which is traffic data.
    fn sidecar(&self, order: &Order, clearance: &Clearance, message: &ScopedMessage) -> Value {
        let places = message.places.iter().map(|place| json!({ "name": place.name, "uid": place.uid }));
        let mut data = json!({
            "arrival": message.arrival.rfc3339(),
            "mailboxes": places.collect::<Vec<_>>(),
            "deleted_by_owner": message.held_only,
        });
        if order.categories.contains(&Category::Traffic) {
            match self.parts.store.open_for(clearance, message, Part::Prefix) {
                Ok(trace) => data["trace_headers"] = json!(String::from_utf8_lossy(&trace)),
                Err(_) => data["trace_headers_failed"] = json!("they could not be read from the store"),
            }
        }
        data
    }

    /// The subscriber record of this home.
    fn subscriber(&self, case: &Case) -> PackageItem {
        let outcome = match case.account.map(|account| self.parts.store.account(account)) {
            Some(Ok(account)) => PackageOutcome::Data {
                sidecar: json!({
                    "account": account.id,
                    "addresses": account.addresses,
                    "opened": account.created.rfc3339(),
                }),
            },
            _ => PackageOutcome::Failed { reason: "the account's record was not found".to_owned() },
        };
        PackageItem { id: "subscriber".to_owned(), arrival: None, outcome }
    }
}

/// Why one message is not produced, for the authority; an error that is not about this message alone stays an error.
fn of_this_one(error: StoreError) -> io::Result<&'static str> {
    match error {
        StoreError::Damaged(_) => Ok("the stored message is damaged and cannot be opened"),
        StoreError::NoSuchMessage => Ok(GONE),
        StoreError::Vault(_) => Ok("the clearance contains no key for it"),
        other => Err(io::Error::other(other)),
    }
}

const GONE: &str = "it was stored when the demand was received but is no longer stored";

/// A message that was held and is no longer stored.
fn gone(id: MessageId) -> PackageItem {
    PackageItem { id: id.to_string(), arrival: None, outcome: PackageOutcome::Failed { reason: GONE.to_owned() } }
}

/// The answer to a demand for sign-in records.
fn not_stored() -> PackageItem {
    let reason = "not stored: this node keeps no sign-in records".to_owned();
    PackageItem { id: "identification".to_owned(), arrival: None, outcome: PackageOutcome::Withheld { reason } }
}
