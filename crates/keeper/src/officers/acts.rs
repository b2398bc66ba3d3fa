//! What two officers do together that opens no mail (`act.rs`), and the officers' own passphrases.

use std::sync::PoisonError;

use terms::{Digest, OfficerName, Secret, UnixMillis};
use vault::{
    Act, ActedBy, MailError, OfficerError, OfficerProof, OfficerPublic, POWERLESS_MILLIS, RotationError, SignedAct,
    VaultError, act_statement, calls,
};

use crate::crypto::{KeyPair, PrivateKey, Share, SigningKey, join, seal_hybrid, sha256};
use crate::files::{damaged, officer_file};
use crate::keeper::{Keeper, not_empty};
use crate::officers::paper_share;
use crate::officers::pending_act::{ACT_MILLIS_MAX, PendingAct};
use crate::officers::roster::{
    OFFICERS_MAX, OFFICERS_MIN, OfficerKeys, OfficerSecrets, PAPER_SHARES_MAX, Previous, Roster,
};

/// What one of the two has shown.
struct Shown {
    by: ActedBy,
    share: Share,
    signing: Option<SigningKey>,
}

impl calls::acts::Calls for Keeper {
    fn change_officer_passphrase(
        &self,
        name: &OfficerName,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), VaultError> {
        not_empty(new)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let roster = self.roster();
        let officer =
            roster.officer(name).ok_or_else(|| VaultError::Officer(OfficerError::NoSuchOfficer(name.clone())))?;
        let keys = self.officer_keys(name)?.reseal(&self.home, officer, (old, new), self.stretch())?;
        self.folder.write_checked(&self.own, &officer_file(name), keys.to_bytes())
    }

    fn begin_act(
        &self,
        act: &Act,
        newcomer: Option<&Secret<String>>,
        proofs: &[OfficerProof],
    ) -> Result<(SignedAct, [u8; 16]), VaultError> {
        let (roster, now) = (self.roster(), self.clock.now());
        check_act(act, &roster)?;
        let [one, two] = proofs else { return Err(VaultError::Officer(OfficerError::TwoOfficers)) };
        let [one, two] = [self.shown(&roster, one)?, self.shown(&roster, two)?];
        if let (ActedBy::Officer { name, .. }, ActedBy::Officer { name: other, .. }) = (&one.by, &two.by)
            && name == other
        {
            return Err(VaultError::Officer(OfficerError::SameOfficer(name.clone())));
        }
        let escrow = self.escrow_of(&roster, &one.share, &two.share)?;
        let password = self.check_account_act(act, newcomer, [&one.by, &two.by])?;
        let newcomer = match act {
            Act::Enrol { officer } => {
                let passphrase = newcomer.ok_or(VaultError::EmptyPassphrase)?;
                not_empty(passphrase)?;
                let in_power = now.plus_millis(POWERLESS_MILLIS);
                Some(OfficerKeys::enrol(&self.home, officer.clone(), passphrase, now, in_power, self.stretch())?)
            }
            _ => None,
        };
        let keys = newcomer.as_ref().map(|(_, public)| sha256(&[&public.verifying_key, &public.sharing_key]));
        let mut signed = SignedAct {
            home: self.home.clone(),
            act: act.clone(),
            newcomer: Digest(keys.unwrap_or_default()),
            at: now,
            by: vec![one.by, two.by],
        };
        let bytes = signed.bytes();
        for (by, signing) in signed.by.iter_mut().zip([one.signing, two.signing]) {
            if let (ActedBy::Officer { signature, .. }, Some(signing)) = (by, signing) {
                *signature = signing.sign(&bytes);
            }
        }
        let pending = PendingAct { signed: signed.clone(), escrow, newcomer, password };
        self.forget_stale_acts(now);
        Ok((signed, self.acts.keep(pending, self.remembered.new_id())))
    }

    fn finish_act(
        &self,
        act: [u8; 16],
        opening: &ledger::Opening,
        receipt: &ledger::Receipt,
    ) -> Result<Vec<Secret<String>>, VaultError> {
        let PendingAct { signed, escrow, newcomer, password } =
            self.acts.take(act).ok_or(VaultError::Officer(OfficerError::ActOver))?;
        let now = self.clock.now();
        if now < signed.at || now > signed.at.plus_millis(ACT_MILLIS_MAX) {
            return Err(VaultError::Officer(OfficerError::ActOver));
        }
        if opening.body != act_statement(&signed) {
            return Err(VaultError::Officer(OfficerError::ActNotProven("the entry states something else".into())));
        }
        self.check_entry(opening, receipt)
            .map_err(|error| VaultError::Officer(OfficerError::ActNotProven(error.to_string().into())))?;

        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut roster = (*self.roster()).clone();
        check_act(&signed.act, &roster)?;
        if escrow.public().ok() != Some(roster.escrow) {
            return Err(VaultError::Officer(OfficerError::SharesDisagree));
        }
        let pair = |escrow: PrivateKey| KeyPair { public: roster.escrow, private: escrow };
        match signed.act {
            Act::Drill => Ok(Vec::new()),
            Act::BeginReset { account, delay_millis, without_codes } => {
                self.begin_reset(account, delay_millis, without_codes).map(|()| Vec::new())
            }
            Act::FinishReset { account } => {
                let password = password.ok_or(VaultError::EmptyPassphrase)?;
                self.finish_reset(account, &password, &escrow, &roster).map(|()| Vec::new())
            }
            Act::RotateAccount { account } => self.rotate_account_by(account, &escrow, &roster).map(|()| Vec::new()),
            Act::Enrol { .. } => {
                let pair = pair(escrow);
                let (keys, public) = newcomer.ok_or(VaultError::Officer(OfficerError::ActOver))?;
                self.folder.write_checked(&self.own, &officer_file(&public.name), keys.to_bytes())?;
                roster.add(public, receipt.index + 1);
                roster.deal(&pair, 0, &*self.entropy)?;
                self.replace_roster(roster)?;
                Ok(Vec::new())
            }
            Act::PrintShares { count } => {
                let pair = pair(escrow);
                let paper_shares = roster.deal(&pair, count, &*self.entropy)?;
                let deal = roster.deal;
                self.replace_roster(roster)?;
                Ok(paper_shares.iter().map(|share| paper_share::to_words(&self.home, deal, share)).collect())
            }
            Act::RotateEscrow if roster.previous.is_some() => {
                let previous =
                    roster.open_previous(&escrow).ok_or(VaultError::Officer(OfficerError::SharesDisagree))?;
                self.sweep_escrow_from(previous)?;
                Ok(Vec::new())
            }
            Act::RotateEscrow => self.replace_escrow(roster, escrow).map(|()| Vec::new()),
            Act::Remove { officer } => {
                roster.remove(&officer);
                self.replace_escrow(roster, escrow)?;
                self.folder.remove(&officer_file(&officer))?;
                Ok(Vec::new())
            }
        }
    }
}

impl Keeper {
    /// Wipes the acts that nobody has proven in time, and with them the escrow key that waits there. Called every half minute
    /// too, so that an act which the ledger refused does not keep that key in memory.
    pub(crate) fn forget_stale_acts(&self, now: UnixMillis) {
        self.acts.forget(|pending| now < pending.signed.at || now > pending.signed.at.plus_millis(ACT_MILLIS_MAX));
    }

    /// An officer's secrets, by the officer's passphrase.
    pub(crate) fn officer_secrets(
        &self,
        roster: &Roster,
        officer: &OfficerPublic,
        passphrase: &Secret<String>,
    ) -> Result<OfficerSecrets, VaultError> {
        self.officer_keys(&officer.name)?.open(roster, officer, passphrase, &self.lanes)
    }

    fn officer_keys(&self, name: &OfficerName) -> Result<OfficerKeys, VaultError> {
        let file = officer_file(name);
        let bytes = self.folder.read_checked(&self.own, &file)?.ok_or_else(|| damaged(&file))?;
        OfficerKeys::from_bytes(name, &bytes)
    }

    fn shown(&self, roster: &Roster, proof: &OfficerProof) -> Result<Shown, VaultError> {
        match proof {
            OfficerProof::Officer(name, passphrase) => {
                let officer = roster.in_power(name, self.clock.now())?;
                let secrets = self.officer_secrets(roster, officer, passphrase)?;
                let by = ActedBy::Officer { name: name.clone(), signature: [0; 64] };
                Ok(Shown { by, share: secrets.share, signing: Some(secrets.signing) })
            }
            OfficerProof::PaperShare(words) => {
                let share = paper_share::from_words(&self.home, roster.deal, words)?;
                let officers = roster.officers.len();
                let place = usize::from(share.place());
                let number = place
                    .checked_sub(officers)
                    .filter(|number| (1..=usize::from(roster.paper_shares)).contains(number));
                let number = number
                    .and_then(|number| u8::try_from(number).ok())
                    .ok_or(VaultError::Officer(OfficerError::SharesDisagree))?;
                Ok(Shown { by: ActedBy::PaperShare { number }, share, signing: None })
            }
        }
    }

    /// The escrow key that two shares make, when it is this home's.
    pub(crate) fn escrow_of(&self, roster: &Roster, one: &Share, two: &Share) -> Result<PrivateKey, VaultError> {
        let escrow = join(one, two).map_err(|_| VaultError::Officer(OfficerError::SharesDisagree))?;
        let escrow =
            PrivateKey::from_bytes(escrow.as_ref()).ok_or(VaultError::Officer(OfficerError::SharesDisagree))?;
        if escrow.public().ok() == Some(roster.escrow) {
            Ok(escrow)
        } else {
            Err(VaultError::Officer(OfficerError::SharesDisagree))
        }
    }

    /// Makes a new escrow key and deals it. The old one is sealed to it, so that everything opens as before while accounts
    /// are sealed to the new one, and also after an interruption.
    fn replace_escrow(&self, mut roster: Roster, old: PrivateKey) -> Result<(), VaultError> {
        let pair = KeyPair::generate(&*self.entropy);
        let info = Roster::previous_info(&self.home, &roster.escrow, &pair.public);
        let sealed = seal_hybrid(&pair.public, &info, old.expose(), &*self.entropy);
        let sealed = sealed.map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
        roster.previous = Some(Previous { public: roster.escrow, sealed });
        roster.deal(&pair, 0, &*self.entropy)?;
        self.replace_roster(roster)?;
        self.sweep_escrow_from(old)
    }
}

/// Refuses an act that the roster does not allow.
fn check_act(act: &Act, roster: &Roster) -> Result<(), VaultError> {
    let unfinished = roster.previous.is_some() && !matches!(act, Act::RotateEscrow | Act::Drill);
    let count = roster.officers.len();
    match act {
        _ if unfinished => Err(VaultError::Rotation(RotationError::RotationUnfinished)),
        Act::Enrol { officer } if roster.officer(officer).is_some() => {
            Err(VaultError::Officer(OfficerError::OfficerExists(officer.clone())))
        }
        Act::Enrol { .. } if count >= OFFICERS_MAX => Err(VaultError::Officer(OfficerError::OfficerRoster)),
        Act::Remove { officer } if roster.officer(officer).is_none() => {
            Err(VaultError::Officer(OfficerError::NoSuchOfficer(officer.clone())))
        }
        Act::Remove { .. } if count <= OFFICERS_MIN => Err(VaultError::Officer(OfficerError::OfficerRoster)),
        Act::PrintShares { count } if !(1..=PAPER_SHARES_MAX).contains(count) => {
            Err(VaultError::Officer(OfficerError::OfficerRoster))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use vault::Act;

    use crate::desk::Desk;
    use crate::keeper_of;
    use crate::officers::pending_act::ACT_MILLIS_MAX;

    /// Nobody proves the act, and nobody begins another: the escrow key that waits for it goes all the same.
    #[test]
    fn an_act_that_nobody_finishes_is_forgotten() {
        let desk = Desk::new("IE", 1);
        desk.vault.begin_act(Act::Drill, None, [Desk::proof("ann"), Desk::proof("ben")]).unwrap();
        let keeper = keeper_of(&desk.vault);
        desk.clock.advance(ACT_MILLIS_MAX);
        desk.vault.forget_stale_sign_ins();
        assert_eq!(keeper.acts.count(), 1);
        desk.clock.advance(1);
        desk.vault.forget_stale_sign_ins();
        assert_eq!(keeper.acts.count(), 0);
    }
}
