//! Calls for signing in.

use terms::{AccountId, Secret};

use super::Call;
use crate::VaultError;
use crate::account::session::SessionToken;
use crate::keeper::sessions::SessionId;
use crate::keeper::sign_in::ExchangeId;
use crate::scram::ChannelBinding;
use crate::secrets::{Attempt, OwnerSecrets};
use crate::strongroom::Strongroom;
use crate::wire::{Octets, wire_struct};

/// Sign an owner in by password or app password.
pub(crate) struct SignIn {
    pub(crate) attempt: Attempt,
    pub(crate) password: Secret<String>,
    pub(crate) code: Option<Secret<String>>,
}
wire_struct!(SignIn { attempt, password, code });

impl Call for SignIn {
    type Answer = SessionId;
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.sign_in(&self.attempt, &self.password, self.code.as_ref())
    }
}

/// A client's first message of SCRAM.
pub(crate) struct ScramBegin {
    pub(crate) attempt: Attempt,
    pub(crate) plus: bool,
    pub(crate) bindings: Vec<ChannelBinding>,
    pub(crate) first: Octets,
}
wire_struct!(ScramBegin { attempt, plus, bindings, first });

impl Call for ScramBegin {
    type Answer = (ExchangeId, Octets);

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        let (id, said) = room.keeper()?.scram_begin(self.attempt, self.plus, &self.bindings, &self.first.0)?;
        Ok((id, Octets(said)))
    }
}

/// A client's last message of SCRAM.
pub(crate) struct ScramFinish {
    pub(crate) exchange: ExchangeId,
    pub(crate) last: Octets,
}
wire_struct!(ScramFinish { exchange, last });

impl Call for ScramFinish {
    type Answer = (AccountId, (SessionId, Octets));

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        let (account, session, said) = room.keeper()?.scram_finish(self.exchange, &self.last.0)?;
        Ok((account, (session, Octets(said))))
    }
}

/// Sign an owner in for the pages, with a session that carries its own secret.
pub(crate) struct OpenSession {
    pub(crate) attempt: Attempt,
    pub(crate) password: Secret<String>,
    pub(crate) code: Option<Secret<String>>,
    pub(crate) name: String,
    pub(crate) lasts_millis: i64,
}
wire_struct!(OpenSession { attempt, password, code, name, lasts_millis });

impl Call for OpenSession {
    type Answer = (SessionToken, (AccountId, SessionId));
    const SLOW: bool = true;

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        let Self { attempt, password, code, name, lasts_millis } = self;
        let (token, account, session) =
            room.keeper()?.open_session(&attempt, &password, code.as_ref(), &name, lasts_millis)?;
        Ok((token, (account, session)))
    }
}

/// Go on with a web session.
pub(crate) struct ResumeSession {
    pub(crate) token: SessionToken,
}
wire_struct!(ResumeSession { token });

impl Call for ResumeSession {
    type Answer = (AccountId, SessionId);

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.resume_session(&self.token)
    }
}

/// End a web session.
pub(crate) struct LeaveSession {
    pub(crate) token: SessionToken,
}
wire_struct!(LeaveSession { token });

impl Call for LeaveSession {
    type Answer = ();

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.leave_session(&self.token)
    }
}

/// Whose a web session is, its number, and what the owner can revoke.
pub(crate) struct SessionSecrets {
    pub(crate) token: SessionToken,
}
wire_struct!(SessionSecrets { token });

impl Call for SessionSecrets {
    type Answer = (AccountId, (u32, OwnerSecrets));

    fn serve(self, room: &Strongroom) -> Result<Self::Answer, VaultError> {
        room.keeper()?.session_secrets(&self.token)
    }
}
