//! A new password for an owner who forgot it: two officers, a notice to the owner, a delay.

use serde::{Deserialize, Serialize};
use vault::Act;

use crate::accounts::{AccountError, check_password};
use crate::error::OperationError;
use crate::node::Node;
use crate::operation::{Moment, Operation, Progress, SecretText, TwoConsents, both};

/// Milliseconds of an hour.
const HOUR_MILLIS: i64 = 3_600_000;

/// Two officers begin a reset, and the owner is notified.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct BeginReset {
    pub address: String,
    pub by: TwoConsents,
    /// Two-factor authentication is off afterwards: the owner lost the app, too.
    pub without_codes: bool,
}

/// A reset has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetBegun {
    /// Whose.
    pub address: String,
    /// The ledger's entry.
    pub entry: u64,
    /// When it can be finished, unless the owner signs in with the password before.
    pub not_before: Moment,
}

impl Operation for BeginReset {
    type Target = Node;
    type Output = ResetBegun;
    type Error = OperationError;

    /// The notice to the owner comes after the ledger's entry and is part of it: without one the reset is stopped.
    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<ResetBegun, OperationError> {
        let account = node.account(&self.address)?;
        let delay_millis = i64::from(node.config.reset_delay_hours) * HOUR_MILLIS;
        let act = Act::BeginReset { account, delay_millis, without_codes: self.without_codes };
        let (signed, _, entry) = node.act_of_two(act, None, both(self.by))?;
        let not_before = Moment(signed.at.plus_millis(delay_millis));
        let text = format!(
            "A password reset was requested for your account: two officers of your provider have started it because your \
             password was reported as forgotten.\r\n\r\nIf you did not ask for this, sign in with your password in any mail \
             app or on any page before {not_before}; that stops the reset. (An app password does not stop it.) You can also \
             call your provider.\r\n\r\nIf you did ask for it, wait until then; the officers will give you a new \
             password.\r\n"
        );
        let told = node.mailroom.notice(account, "Your password is about to be reset", &text);
        if let Err(error) = told {
            let _ = node.mailroom.vault.stop_reset(account);
            return Err(AccountError::OwnerNotNotified(error.to_string()).into());
        }
        Ok(ResetBegun { address: self.address, entry, not_before })
    }
}

/// Shows how far a reset is.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ShowReset {
    pub address: String,
}

/// A reset that is under way; both empty when none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ResetShown {
    pub begun: Option<Moment>,
    /// When it can be finished.
    pub not_before: Option<Moment>,
}

impl Operation for ShowReset {
    type Target = Node;
    type Output = ResetShown;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<ResetShown, AccountError> {
        let reset = node.mailroom.vault.pending_reset(node.account(&self.address)?)?;
        Ok(ResetShown {
            begun: reset.map(|reset| reset.begun.into()),
            not_before: reset.map(|reset| reset.not_before.into()),
        })
    }
}

/// Two officers set the new password, once the delay is over.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FinishReset {
    pub address: String,
    pub by: TwoConsents,
    pub new: SecretText,
}

/// The new password is set; web sessions have ended, app passwords and recovery codes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetFinished {
    /// The ledger's entry.
    pub entry: u64,
}

impl Operation for FinishReset {
    type Target = Node;
    type Output = ResetFinished;
    type Error = OperationError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<ResetFinished, OperationError> {
        let account = node.account(&self.address)?;
        check_password(&self.new.0)?;
        let (_, _, entry) = node.act_of_two(Act::FinishReset { account }, Some(self.new.0), both(self.by))?;
        Ok(ResetFinished { entry })
    }
}

/// Stops a reset.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct StopReset {
    pub address: String,
}

/// No reset is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetStopped {}

impl Operation for StopReset {
    type Target = Node;
    type Output = ResetStopped;
    type Error = AccountError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<ResetStopped, AccountError> {
        node.mailroom.vault.stop_reset(node.account(&self.address)?)?;
        Ok(ResetStopped {})
    }
}
