//! Traffic data of a message: who wrote to whom and when. This goes into the sidecar of a disclosure; whole headers
//! never do, and the subject is content.

use std::fmt;

use crate::address::AddressEntry;
use crate::envelope::addresses;
use crate::header::{first, header_len};

/// Sender, recipients and time according to the header. Addresses only: a display name is content. `Debug` prints none
/// of it (invariant 10).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    /// `local@domain` of each From.
    pub from: Vec<String>,
    /// Of each To.
    pub to: Vec<String>,
    /// Of each Cc.
    pub cc: Vec<String>,
    /// The Date field as written.
    pub date: Option<String>,
    /// The Message-ID field as written.
    pub message_id: Option<String>,
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traffic(…)")
    }
}

/// Extracts the traffic data from a view.
pub fn traffic_sidecar(view: &[u8]) -> Traffic {
    let header = &view[..header_len(view)];
    let list = |name| {
        let entries = addresses(header, name).into_iter();
        entries.filter_map(|entry| match entry {
            AddressEntry::Mailbox(mailbox) => Some(mailbox.address()),
            _ => None,
        })
    };
    let text = |name| first(header, name).map(|value| String::from_utf8_lossy(&value).into_owned());
    Traffic {
        from: list("From").collect(),
        to: list("To").collect(),
        cc: list("Cc").collect(),
        date: text("Date"),
        message_id: text("Message-ID"),
    }
}
