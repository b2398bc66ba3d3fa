//! Officers: what they approve, and what two of them open together.

use std::collections::BTreeSet;

use terms::{AccountId, EpochId, OfficerName, Secret};
use vault::inside::{Cleared, derive_key};
use vault::{
    Approval, KeyAsk, MailError, OfficerError, OfficerPublic, Order, OrderError, OwnerError, ProvenApproval,
    SealedEpochKey, ShareId, VaultError, calls,
};

use crate::crypto::{Key32, PrivateKey};
use crate::keeper::Keeper;
use crate::officers::release::{OpenedSecrets, released_share, sign_approval};
use crate::owners::epochs::open_epoch_by;

impl calls::officers::Calls for Keeper {
    fn officers(&self) -> Result<Vec<OfficerPublic>, VaultError> {
        Ok(self.roster().officers.clone())
    }

    fn approve(
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
        let (approval, opened) = sign_approval(order, me, secrets, &roster, &self.own, now, &*self.entropy)?;
        Ok((approval, self.shares.keep(opened, self.remembered.new_id())))
    }

    fn drop_share(&self, share: ShareId) -> Result<(), VaultError> {
        self.shares.take(share);
        Ok(())
    }

    fn check_approval(&self, order: &Order, approval: &Approval) -> Result<(), VaultError> {
        let now = self.clock.now();
        order.check(&self.home, now)?;
        approval.check(order, &self.roster().officers, now)
    }

    fn clear(
        &self,
        order: &Order,
        approvals: &[ProvenApproval; 2],
        opened: ShareId,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Secret<Vec<u8>>, VaultError> {
        let opened = self.shares.take(opened);
        let now = self.clock.now();
        order.check(&self.home, now)?;
        let roster = self.roster();
        let [one, two] = approvals;
        if one.approval.officer == two.approval.officer {
            return Err(VaultError::Officer(OfficerError::SameOfficer(one.approval.officer.clone())));
        }
        for proven in [one, two] {
            proven.approval.check(order, &roster.officers, now)?;
            // The ledger had the enrolment first; the times in both entries are 72 hours apart (`Approval::check`).
            let entries = roster.seats.get(&proven.approval.officer).map_or(0, |seat| seat.entries);
            proven.check_proof(|opening, receipt| self.check_entry(opening, receipt), entries)?;
        }
        let opened = opened.ok_or_else(|| VaultError::Order(OrderError::OtherShare(two.approval.officer.clone())))?;
        let (first, second) = if opened.officer == two.approval.officer { (one, two) } else { (two, one) };
        if opened.order != order.digest() || opened.approval != second.approval.digest() {
            return Err(VaultError::Order(OrderError::OtherShare(second.approval.officer.clone())));
        }
        check_scope(order, asks)?;
        let officers = [first.approval.officer.clone(), second.approval.officer.clone()];

        let keys = if asks.is_empty() {
            // Both approvals stand, and nothing sealed to the account is wanted: the escrow key is not joined.
            Vec::new()
        } else {
            self.keys_by_escrow(order, &first.approval, &opened, epochs, asks)?
        };
        Cleared { order: order.clone(), officers, cleared: now, keys }.to_secret()
    }
}

impl Keeper {
    /// The keys that an order asks for, by the share that `first` released and the share in `opened`. Of a closed account,
    /// those that the case holds.
    fn keys_by_escrow(
        &self,
        order: &Order,
        first: &Approval,
        opened: &OpenedSecrets,
        epochs: &[(EpochId, SealedEpochKey)],
        asks: &[KeyAsk],
    ) -> Result<Vec<(KeyAsk, Key32)>, VaultError> {
        let roster = self.roster();
        let to = roster.officer(&opened.officer);
        let to = to.ok_or_else(|| VaultError::Order(OrderError::NotEnrolled(opened.officer.clone())))?;
        let released = released_share(first, to, opened, &self.own)?;
        let escrow = self.escrow_of(&roster, &released, &opened.share)?;
        // While the escrow key is replaced, this account may still be sealed to the previous one.
        let previous = roster.open_previous(&escrow);
        let by_either = |open: &dyn Fn(&PrivateKey) -> ScopedKeys| match (open(&escrow), &previous) {
            (Err(VaultError::Order(OrderError::EscrowDoesNotOpen(_))), Some(previous)) => open(previous),
            (opened, _) => opened,
        };
        match self.account_keys(order.account) {
            Ok(keys) => by_either(&|escrow| {
                let private_keys = keys.open_by_escrow(escrow)?;
                scoped_keys(&private_keys, order.account, epochs, asks)
            }),
            Err(VaultError::Owner(OwnerError::NoSuchAccount(_))) => {
                by_either(&|escrow| self.held_keys(order, escrow, asks))
            }
            Err(error) => Err(error),
        }
    }
}

/// The keys that an order covers, or why they do not open.
type ScopedKeys = Result<Vec<(KeyAsk, Key32)>, VaultError>;

/// Refuses asks that the order does not cover.
fn check_scope(order: &Order, asks: &[KeyAsk]) -> Result<(), VaultError> {
    if !asks.is_empty() && !order.covers_content() {
        return Err(VaultError::Order(OrderError::NoContent(order.case)));
    }
    match asks.iter().find(|ask| !order.covers_arrival(ask.arrival)) {
        Some(ask) => Err(VaultError::Order(OrderError::OutOfScope(ask.id))),
        None => Ok(()),
    }
}

/// The message keys that were asked for. Each binds the arrival that was named: a lie about it opens nothing.
fn scoped_keys(
    private_keys: &[PrivateKey],
    account: AccountId,
    sealed: &[(EpochId, SealedEpochKey)],
    asks: &[KeyAsk],
) -> Result<Vec<(KeyAsk, Key32)>, VaultError> {
    let wanted: BTreeSet<EpochId> = asks.iter().map(|ask| ask.epoch).collect();
    let mut keys = Vec::with_capacity(asks.len());
    for epoch in wanted {
        let sealed =
            sealed.iter().find(|(id, _)| *id == epoch).ok_or(VaultError::Mail(MailError::NoEpochKey(epoch)))?;
        let epoch_key = open_epoch_by(private_keys, account, epoch, &sealed.1)?;
        let here = asks.iter().filter(|ask| ask.epoch == epoch);
        keys.extend(here.map(|ask| (*ask, derive_key(&epoch_key, account, *ask))));
    }
    Ok(keys)
}
