//! What the pages are told of the node that they belong to.

use std::path::PathBuf;
use std::sync::Arc;

use mailroom::MailroomGate;

use crate::law::PublishedLaw;
use crate::web::view::Masthead;

/// What the pages say of the node, and what they need of it.
#[derive(Clone)]
pub struct SiteConfig {
    /// The operator's name for the node.
    pub name: String,
    /// The jurisdiction code, e.g. `IE`.
    pub jurisdiction: String,
    /// The jurisdiction in words, e.g. `Ireland`.
    pub jurisdiction_name: String,
    /// The domains whose mailboxes live here.
    pub domains: Vec<String>,
    /// The law set in use.
    pub law: Arc<PublishedLaw>,
    /// The directory that the ledger writes.
    pub ledger_dir: PathBuf,
    /// Owners and their mail, once the node is unlocked.
    pub mail: MailroomGate,
    /// A TLS proxy on this machine is in front of the site: cookies are for TLS only, and the last address of the proxy's
    /// X-Forwarded-For is the visitor's. Without a proxy the visitor controls that header, and it is not read.
    pub is_behind_tls_proxy: bool,
}

impl SiteConfig {
    pub(crate) fn masthead(&self) -> Masthead {
        Masthead {
            name: self.name.clone(),
            jurisdiction: self.jurisdiction.clone(),
            jurisdiction_name: self.jurisdiction_name.clone(),
        }
    }
}
