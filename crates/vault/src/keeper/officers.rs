//! Officers: what they approve, and what two of them open together.

use std::collections::BTreeSet;

use terms::{AccountId, EpochId, OfficerName, Secret};

use super::Keeper;
use super::sessions::ShareId;
use crate::VaultError;
use crate::approval::{Approval, OpenedSecrets, ProvenApproval};
use crate::clearance::Clearance;
use crate::crypto::PrivateHalf;
use crate::epoch::{SealedEpochKey, open_epoch_by};
use crate::message::{KeyAsk, MessageKey};
use crate::officer::OfficerPublic;
use crate::order::Order;

impl Keeper {
    /// The officers of this home.
    pub(crate) fn officers(&self) -> Vec<OfficerPublic> {
        self.roster().officers.clone()
    }

    /// An officer approves an order with the officer's own passphrase. What the passphrase opened stays here, under the
    /// id that is returned, until it is used or dropped.
    pub(crate) fn approve(
        &self,
        order: &Order,
        officer: &OfficerName,
        passphrase: &Secret<String>,
    ) -> Result<(Approval, ShareId), VaultError> {
        let now = self.clock.now();
        order.check(&self.home, now)?;
        let roster = self.roster();
        let me = roster.in_power(officer, now)?;
        let secrets = self.officer_secrets(&roster, me, passphrase)?;
        let (approval, opened) = Approval::sign(order, me, secrets, &roster, &self.own, now, &*self.entropy)?;
        Ok((approval, self.shares.keep(opened, self.remembered.new_id())))
    }

    /// Drops what an officer's passphrase opened. What is gone already is no error.
    pub(crate) fn drop_share(&self, share: ShareId) {
        self.shares.take(share);
    }

    /// Whether `approval` is an enrolled officer's signed approval of exactly `order`, and the order still stands. Says
    /// nothing about the ledger.
    ///
    /// # Errors
    /// [`VaultError::OtherHome`], [`VaultError::Order`], [`VaultError::Expired`], [`VaultError::NotEnrolled`],
    /// [`VaultError::Signature`], [`VaultError::OtherOrder`], [`VaultError::FromTheFuture`].
    pub(crate) fn check_approval(&self, order: &Order, approval: &Approval) -> Result<(), VaultError> {
        let now = self.clock.now();
        order.check(&self.home, now)?;
        approval.check(order, &self.roster(), now)
    }

    /// Makes the clearance of an order that two different officers approved, each approval proven in this home's own
    /// ledger. `opened` is what the officer who approved last has opened; `epochs` and `asks` name the messages wanted.
    ///
    /// Joins the two shares, opens the account's key, derives the keys that were asked for, and forgets the rest before
    /// it returns. All or nothing; the opened share is used up either way.
    ///
    /// # Errors
    /// As [`check_approval`](Self::check_approval) for either approval; [`VaultError::SameOfficer`],
    /// [`VaultError::Statement`], [`VaultError::Proof`], [`VaultError::OtherShare`]; [`VaultError::NoContent`] and
    /// [`VaultError::OutOfScope`] for asks beyond the order; [`VaultError::ShareDoesNotOpen`],
    /// [`VaultError::SharesDisagree`], [`VaultError::EscrowDoesNotOpen`]; and those of
    /// [`message_keys`](Self::message_keys).
    pub(crate) fn clear(
        &self,
        order: &Order,
        approvals: &[ProvenApproval; 2],
        opened: ShareId,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Clearance, VaultError> {
        let opened = self.shares.take(opened);
        let now = self.clock.now();
        order.check(&self.home, now)?;
        let roster = self.roster();
        let [one, two] = approvals;
        if one.approval.officer == two.approval.officer {
            return Err(VaultError::SameOfficer(one.approval.officer.clone()));
        }
        for proven in [one, two] {
            proven.approval.check(order, &roster, now)?;
            proven.check_proof(|opening, receipt| self.check_entry(opening, receipt), &roster)?;
        }
        let opened = opened.ok_or_else(|| VaultError::OtherShare(two.approval.officer.clone()))?;
        let (first, second) = if opened.officer == two.approval.officer { (one, two) } else { (two, one) };
        if opened.order != order.digest() || opened.approval != second.approval.digest() {
            return Err(VaultError::OtherShare(second.approval.officer.clone()));
        }
        check_scope(order, asks)?;
        let officers = [first.approval.officer.clone(), second.approval.officer.clone()];

        let keys = if asks.is_empty() {
            // Both approvals stand, and nothing sealed to the account is wanted: the escrow key is not joined.
            Vec::new()
        } else {
            self.keys_by_escrow(order, &first.approval, &opened, epochs, asks)?
        };
        Ok(Clearance::new(order.clone(), officers, now, keys, self.clock.clone()))
    }

    /// The keys that an order asks for, by the share that `first` released and the share in `opened`. Of a closed account,
    /// those that the case holds.
    fn keys_by_escrow(
        &self,
        order: &Order,
        first: &Approval,
        opened: &OpenedSecrets,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<MessageKey>, VaultError> {
        let roster = self.roster();
        let to = roster.officer(&opened.officer);
        let to = to.ok_or_else(|| VaultError::NotEnrolled(opened.officer.clone()))?;
        let released = first.released_share(to, opened, &self.own)?;
        let escrow = self.escrow_of(&roster, &released, &opened.share)?;
        // While the escrow key is replaced, this account may still be sealed to the one before.
        let previous = roster.open_previous(&escrow);
        let by_either =
            |open: &dyn Fn(&PrivateHalf) -> Result<Vec<MessageKey>, VaultError>| match (open(&escrow), &previous) {
                (Err(VaultError::EscrowDoesNotOpen(_)), Some(previous)) => open(previous),
                (opened, _) => opened,
            };
        match self.account_keys(order.account) {
            Ok(keys) => by_either(&|escrow| {
                let halves = keys.open_by_escrow(escrow)?;
                scoped_keys(&halves, order.account, epochs, asks)
            }),
            Err(VaultError::NoSuchAccount(_)) => by_either(&|escrow| self.held_keys(order, escrow, asks)),
            Err(error) => Err(error),
        }
    }
}

/// Refuses asks that the order does not cover.
fn check_scope(order: &Order, asks: &[KeyAsk]) -> Result<(), VaultError> {
    if !asks.is_empty() && !order.covers_content() {
        return Err(VaultError::NoContent(order.case));
    }
    match asks.iter().find(|ask| !order.covers_arrival(ask.arrival)) {
        Some(ask) => Err(VaultError::OutOfScope(ask.id)),
        None => Ok(()),
    }
}

/// The message keys that were asked for. Each binds the arrival that was named: a lie about it opens nothing.
fn scoped_keys(
    halves: &[PrivateHalf],
    account: AccountId,
    sealed: &[(EpochId, SealedEpochKey)],
    asks: &[KeyAsk],
) -> Result<Vec<MessageKey>, VaultError> {
    let wanted: BTreeSet<EpochId> = asks.iter().map(|ask| ask.epoch).collect();
    let mut keys = Vec::with_capacity(asks.len());
    for epoch in wanted {
        let sealed = sealed.iter().find(|(id, _)| *id == epoch).ok_or(VaultError::NoEpochKey(epoch))?;
        let epoch_key = open_epoch_by(halves, account, epoch, &sealed.1)?;
        let here = asks.iter().filter(|ask| ask.epoch == epoch);
        keys.extend(here.map(|ask| MessageKey::derive(&epoch_key, account, *ask)));
    }
    Ok(keys)
}
