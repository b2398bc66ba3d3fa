//! The part of a session that commands may read and change.

use crate::code::Ending;
use crate::config::Config;
use crate::cursor::{Bad, Cursor};
use crate::name::{MailboxName, Named, parse_mailbox};
use crate::output::Output;
use crate::selected::Selected;

/// The state of a session, without its input and control flow.
pub(crate) struct Context {
    pub(crate) config: Config,
    /// The connection uses TLS.
    pub(crate) tls: bool,
    pub(crate) signed_in: bool,
    /// IMAP4rev2 is enabled (RFC 9051 section 6.3.1): UTF-8 names, ESEARCH instead of SEARCH.
    pub(crate) rev2: bool,
    pub(crate) selected: Option<Selected>,
    pub(crate) sign_in_failures: u32,
    /// The tag of the command in progress.
    pub(crate) tag: Vec<u8>,
    pub(crate) out: Output,
}

impl Context {
    /// Whether a password may be sent: over TLS, or where the configuration permits it in the clear.
    pub(crate) fn sign_in_allowed(&self) -> bool {
        self.tls || self.config.sign_in_without_tls
    }

    /// Whether a sign-in can be bound to the connection, so that SCRAM-SHA-256-PLUS is offered.
    pub(crate) fn binds_to_channel(&self) -> bool {
        self.tls && self.config.channel_binding
    }

    /// `mailbox`, in the encoding of this session.
    pub(crate) fn mailbox(&self, cursor: &mut Cursor<'_>) -> Result<Named, Bad> {
        parse_mailbox(cursor, self.rev2)
    }

    /// A mailbox name in the encoding of this session.
    pub(crate) fn wire(&self, name: &MailboxName) -> String {
        name.to_wire(self.rev2)
    }

    /// The selected mailbox. The command table ensures that there is one when it is needed.
    pub(crate) fn selected(&mut self) -> Result<&mut Selected, Ending> {
        self.selected.as_mut().ok_or_else(|| Ending::bad("No mailbox selected"))
    }

    /// The selected mailbox, if it may be changed.
    pub(crate) fn writable(&mut self) -> Result<&mut Selected, Ending> {
        let selected = self.selected()?;
        if selected.read_only { Err(Ending::no("Mailbox is read-only")) } else { Ok(selected) }
    }

    /// The capabilities in this state (RFC 9051 section 6.1.1). Only complete features are listed.
    pub(crate) fn capabilities(&self) -> String {
        let mut all = String::from("IMAP4rev1 IMAP4rev2 ID ENABLE SASL-IR");
        if self.signed_in {
            // LITERAL+ instead of LITERAL-, and what needs a mailbox.
            all.push_str(
                " LITERAL+ IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE \
                 CREATE-SPECIAL-USE ESEARCH SEARCHRES STATUS=SIZE QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE",
            );
            all.push_str(&format!(" APPENDLIMIT={}", self.config.message_size_bytes_max));
        } else {
            all.push_str(" LITERAL-");
            if !self.tls && self.config.starttls {
                all.push_str(" STARTTLS");
            }
            if !self.sign_in_allowed() {
                all.push_str(" LOGINDISABLED");
                return all;
            }
            all.push_str(" AUTH=PLAIN AUTH=SCRAM-SHA-256");
            if self.binds_to_channel() {
                all.push_str(" AUTH=SCRAM-SHA-256-PLUS");
            }
        }
        all
    }
}

impl From<crate::name::NameError> for Ending {
    fn from(error: crate::name::NameError) -> Self {
        Self::no(error.text()).code("CANNOT")
    }
}
