//! The hold, and the list of what it held when the demand came in.
//!
//! A case is answered from what was stored when its demand was received. Mail that an owner imports afterwards claims an
//! arrival of its own, which may fall within the dates asked for; but it was not here and does not belong in the answer. So the
//! ids of what was held are written down once, beside the case.

use std::collections::BTreeSet;
use std::path::PathBuf;

use store::ScopedMessage;
use terms::{AccountId, CaseId, MessageId, UnixMillis};

use crate::{Case, Desk, DeskError, proposal};

const ID_BYTES: usize = 16;

pub(crate) fn context(id: CaseId) -> String {
    format!("desk/held/{id}")
}

/// What a case is answered from.
pub(crate) struct Held {
    /// The messages in the span that were stored at receipt, in the order of their arrival.
    pub messages: Vec<ScopedMessage>,
    /// Those that were stored at receipt and that the store no longer has.
    pub missing: Vec<MessageId>,
}

impl Desk {
    pub(crate) fn held_path(&self, id: CaseId) -> PathBuf {
        self.dir("cases").join(format!("{id:06}.held"))
    }

    /// Whether the hold was set and its list written.
    pub(crate) fn is_held(&self, id: CaseId) -> bool {
        self.parts.disk.exists(&self.held_path(id))
    }

    /// Sets the case's hold and writes the list of what it covers, each unless that is done: doing it again changes
    /// nothing. A store that was restored from a backup gets its hold back.
    pub(crate) fn set_hold(&self, case: &Case, account: AccountId) -> Result<(), DeskError> {
        let is_set = self.parts.store.holds(account)?.iter().any(|(holder, _)| *holder == case.id);
        let listed = self.is_held(case.id);
        if is_set && listed {
            return Ok(());
        }
        let (from, until) = proposal::span(&case.facts);
        self.parts.store.hold(case.id, account, from, until)?;
        if listed {
            return Ok(());
        }
        let held = self.parts.store.scope(account, from, until)?;
        let ids: Vec<u8> = held.iter().flat_map(|message| message.id.0).collect();
        self.write_sealed(&self.held_path(case.id), &context(case.id), &ids)
    }

    /// What was stored at receipt with an arrival in this span.
    pub(crate) fn held(
        &self,
        case: CaseId,
        account: AccountId,
        from: UnixMillis,
        until: UnixMillis,
    ) -> Result<Held, DeskError> {
        let mut listed = self.listed(case)?;
        let mut messages = self.parts.store.scope(account, from, until)?;
        messages.retain(|message| listed.remove(&message.id));
        Ok(Held { messages, missing: listed.into_iter().collect() })
    }

    fn listed(&self, id: CaseId) -> Result<BTreeSet<MessageId>, DeskError> {
        let path = self.held_path(id);
        let plain = self.read_sealed(&path, &context(id))?;
        let (ids, rest) = plain.as_chunks::<ID_BYTES>();
        if rest.is_empty() {
            Ok(ids.iter().map(|id| MessageId(*id)).collect())
        } else {
            Err(DeskError::damaged(&path, "its length is not a multiple of an id's"))
        }
    }
}
