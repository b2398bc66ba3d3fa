//! A running node: its doors are open from the start, its rooms from the moment at which its vault is unlocked.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use durable::DirLock;
use mailroom::MailroomGate;
use mailroom::delivery::DeliveryError;
use operations::config::Config;
use operations::error::OperationError;
use operations::handle::NodeHandle;
use operations::node::{ClosedNode, Host, Node, NodeError, Note};
use operations::operation::Progress;
use operations::places::Through;
use operations::status::quarantined;
use operations::table::{Answer, Request, Response};
use pages::law::PublishedLaw;
use vault::VaultGate;

use super::law_site::law_site;
use super::link::ParentLink;

/// A running node, locked or not.
pub(super) struct Running {
    pub(super) handle: NodeHandle,
    /// Mail, as the doors find it: out of reach while the node is locked.
    pub(super) mail: MailroomGate,
    /// The law in use, open for reading at the HTTP door, also while the node is locked.
    pub(super) site: Arc<PublishedLaw>,
    host: Arc<Doors>,
}

/// What operations tell this process.
struct Doors {
    mail: OnceLock<MailroomGate>,
    site: OnceLock<Arc<PublishedLaw>>,
    link: Arc<ParentLink>,
    /// The text of `node.toml`.
    settings: Mutex<String>,
    /// What the system did not let this process give up.
    lacks: Vec<String>,
}

impl Host for Doors {
    fn has_doors(&self) -> bool {
        true
    }

    fn opened(&self, node: &Arc<Node>) {
        let quarantine = node.mailroom.store.quarantined_accounts();
        if !quarantine.is_empty() {
            tracing::error!("the store is {}", quarantined(&quarantine));
        }
        for trouble in node.desk.troubles() {
            tracing::error!("{trouble}");
        }
        // RFC 5321 section 4.5.1: a server of mail accepts it for its postmaster.
        if node.mailroom.postmaster() == Err(DeliveryError::NoSuchMailbox) {
            tracing::warn!(
                "mail for the postmaster is refused: give an account the postmaster's address at this node's hostname"
            );
        }
        if let Some(mail) = self.mail.get() {
            mail.open(node.mailroom.clone());
        }
        // What was interrupted continues; mail does not wait for it.
        let node = Arc::clone(node);
        std::thread::spawn(move || node.look_after_keys());
    }

    fn law_changed(&self, node: &Node) {
        let Some(site) = self.site.get() else { return };
        let law = node.desk.law_in_use().map_err(|error| error.to_string());
        match law.and_then(|law| law_site(law, &node.config.home).map_err(|error| error.to_string())) {
            Ok(law) => site.replace(law),
            // The set is in use; only its pages are the previous ones, and say so by their digest.
            Err(error) => tracing::error!("the law site still shows the previous law set: {error}"),
        }
    }

    fn note(&self, note: Note) {
        if note.is_trouble() {
            tracing::error!("{note}");
        } else {
            tracing::info!("{note}");
        }
    }

    fn lacks(&self) -> Vec<String> {
        self.lacks.clone()
    }

    fn places(&self) -> io::Result<Through> {
        self.link.places()
    }

    fn settings(&self, _: &Path) -> io::Result<String> {
        Ok(self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Running {
    /// The node in `dir`, whose vault may be unlocked already.
    ///
    /// # Errors
    /// A law set that does not load.
    pub(super) fn start(
        dir: &Path,
        config: Config,
        lock: DirLock,
        gate: VaultGate,
        link: Arc<ParentLink>,
        settings: String,
        lacks: Vec<String>,
    ) -> Result<Self, NodeError> {
        let host = Arc::new(Doors {
            mail: OnceLock::new(),
            site: OnceLock::new(),
            link,
            settings: Mutex::new(settings),
            lacks,
        });
        let handle = NodeHandle::over(ClosedNode::inside(dir, config, lock, gate, host.clone())?);
        let config = &handle.closed.config;
        let site = Arc::new(PublishedLaw::new(law_site(handle.closed.law_in_use()?, &config.home)?));
        let mail = MailroomGate::locked(&config.hostname);
        let _ = host.site.set(site.clone());
        let _ = host.mail.set(mail.clone());
        Ok(Self { handle, mail, site, host })
    }

    /// `node.toml` has changed.
    pub(super) fn settings_are(&self, settings: String) {
        *self.host.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// The node, when its rooms are open.
    pub(super) fn node(&self) -> Option<&Arc<Node>> {
        self.handle.node()
    }
}

impl Answer for Running {
    fn answer(&self, request: Request, progress: &mut dyn FnMut(Progress)) -> Result<Response, OperationError> {
        self.handle.answer(request, progress)
    }
}
