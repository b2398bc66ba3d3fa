//! Intake: a demand becomes a case, the rules decide, and what must be preserved is put on hold.

use rules::{Day, Decision, Demand, Facts, HomeFacts, LawSet, Mode, RuleSignature};
use serde_json::json;
use terms::{Address, CaseId, Digest, UnixMillis};

use crate::case::{Case, EventKind};
use crate::desk::Desk;
use crate::error::DeskError;
use crate::next::next_action;
use crate::results::{CaseDetail, DemandServed, WhatIf};
use crate::{answer, proposal};

impl Desk {
    /// Opens a case for each account that the demand names. The demand is received now, by the node's clock. Durable when it
    /// returns: the case, its ledger entries, and the hold where the rules ask for one.
    ///
    /// After an error of the ledger, the disk or the store the demand counts as received: when it is served again, and at
    /// the next start, its cases are continued with the first time of receipt, and none is opened twice.
    ///
    /// # Errors
    /// [`DeskError::Demand`] when the file cannot be read, and then no case is opened; the ledger's, the disk's, the store's.
    pub fn serve(&self, text: &str) -> Result<DemandServed, DeskError> {
        let _turn = self.turn();
        let demand = read(text)?;
        let digest = proposal::sha256(text.as_bytes());
        let mut cases = self.interrupted(digest)?;
        let received = cases.first().map_or_else(|| self.parts.clock.now(), |case| case.received);
        // Everything is decided before anything is opened: a demand that cannot be read opens nothing.
        let opened = |subject: &Address| cases.iter().any(|case| case.subject == *subject);
        let decided = demand
            .accounts
            .iter()
            .filter(|subject| !opened(subject))
            .map(|subject| {
                let (facts, decision) = self.decide(&demand, subject, received, Mode::Service)?;
                Ok((subject.clone(), facts, decision))
            })
            .collect::<Result<Vec<_>, DeskError>>()?;
        for (subject, facts, decision) in decided {
            cases.push(self.open_case(text, digest, subject, received, facts, decision)?);
        }
        cases.sort_by_key(|case| case.id);
        for case in &mut cases {
            self.continue_case(case)?;
        }
        let detail = |case: &Case| {
            // The demand has been received; a vault that cannot answer now must not turn that into an error.
            let owner_only = |account| self.only_the_owner_opens(account).is_ok_and(|only| only);
            CaseDetail::of(case, next_action(case, false, received), case.account.is_some_and(owner_only))
        };
        Ok(DemandServed { cases: cases.iter().map(detail).collect() })
    }

    /// The cases of this demand's latest service, if an error or a power cut interrupted it.
    fn interrupted(&self, digest: Digest) -> Result<Vec<Case>, DeskError> {
        // A damaged case is not a reason to refuse a demand.
        let readable = self.case_ids()?.into_iter().filter_map(|id| self.load(id).ok());
        let of_demand: Vec<Case> = readable.filter(|case| case.demand_digest == digest).collect();
        let unfinished = of_demand.iter().filter(|case| !self.intake_is_done(case)).map(|case| case.received).max();
        Ok(of_demand.into_iter().filter(|case| Some(case.received) == unfinished).collect())
    }

    /// Decides the demand as of a day, or of its own `served`, or of the present moment. Opens no case and records nothing.
    ///
    /// # Errors
    /// [`DeskError::Demand`].
    pub fn what_if(&self, text: &str, on: Option<&str>) -> Result<WhatIf, DeskError> {
        let now = self.parts.law.now();
        let signed = now.signed.clone();
        what_if_signed(&now.law, &self.parts.home_facts, text, on, self.parts.clock.now(), &signed)
    }

    fn decide(
        &self,
        demand: &Demand,
        subject: &Address,
        received: UnixMillis,
        mode: Mode,
    ) -> Result<(Facts, Decision), DeskError> {
        let now = self.parts.law.now();
        decide(&now.law, &self.parts.home_facts, demand, subject, received, mode, &now.signed)
    }

    /// Writes a new case's file. Its intake is still to be done.
    fn open_case(
        &self,
        text: &str,
        digest: Digest,
        subject: Address,
        received: UnixMillis,
        facts: Facts,
        decision: Decision,
    ) -> Result<Case, DeskError> {
        let id = CaseId(self.case_ids()?.last().map_or(0, |last| last.0) + 1);
        let canonical = proposal::canonical(&decision)?;
        let case = Case {
            id,
            received,
            demand: text.to_owned(),
            demand_digest: digest,
            account: self.parts.store.account_of(&subject)?,
            subject,
            facts,
            decision,
            decision_digest: proposal::sha256(&canonical),
            order: None,
            events: Vec::new(),
            letter: None,
            package: None,
        };
        self.save(&case)?;
        Ok(case)
    }

    fn intake_is_done(&self, case: &Case) -> bool {
        case.has(EventKind::Demand) && case.has(EventKind::Decision) && (!must_hold(case) || self.is_held(case.id))
    }

    /// Completes a case's intake. Each part is recorded first, and doing it twice changes nothing, so that after a power cut
    /// between record and effect it is simply done again.
    pub(crate) fn finish_intake(&self, case: &mut Case) -> Result<(), DeskError> {
        if !case.has(EventKind::Demand) {
            let statement = json!({ "demand": case.demand_digest, "received": case.received.rfc3339() });
            self.record(case, EventKind::Demand, statement)?;
        }
        if !case.has(EventKind::Decision) {
            let statement = json!({
                "decision": case.decision_digest,
                "law": case.decision.law,
                "outcome": case.decision.outcome,
            });
            self.record(case, EventKind::Decision, statement)?;
        }
        if let Some(account) = case.account.filter(|_| must_hold(case)) {
            let (from, until) = proposal::span(&case.facts);
            if !case.has(EventKind::Hold) {
                let statement = json!({ "from": from.rfc3339(), "until": until.rfc3339() });
                self.record(case, EventKind::Hold, statement)?;
            }
            self.set_hold(case, account)?;
        }
        Ok(())
    }
}

/// Whether mail is put on hold for the case.
fn must_hold(case: &Case) -> bool {
    let (from, until) = proposal::span(&case.facts);
    case.account.is_some() && from < until && answer::preserves(&case.decision)
}

/// Reads a demand, and refuses at once what would make its package fail after two officers had approved it.
fn read(text: &str) -> Result<Demand, DeskError> {
    let mut demand = Demand::parse(text).map_err(|error| DeskError::Demand(error.to_string()))?;
    demand
        .delivery
        .age_recipient
        .parse::<disclosure::AgeRecipient>()
        .map_err(|error| DeskError::Demand(format!("delivery.age_recipient: {error}")))?;
    for (field, value) in [("reference", &demand.reference), ("authority.name", &demand.authority.name)] {
        if value.trim().is_empty() || value.chars().any(terms::is_hidden) {
            return Err(DeskError::Demand(format!("{field} must be one line, and not empty")));
        }
    }
    // An account that is named twice is asked for once.
    let mut seen = std::collections::BTreeSet::new();
    demand.accounts.retain(|account| seen.insert(account.canonical()));
    if demand.accounts.is_empty() {
        return Err(DeskError::Demand("accounts is empty; name the account that it asks about".to_owned()));
    }
    Ok(demand)
}

/// Decides the demand under `law` for a home of these facts, as of a day, or of the demand's own `served`, or of the moment `now`. Needs
/// no node, opens no case and records nothing.
///
/// # Errors
/// [`DeskError::Demand`].
pub fn what_if(
    law: &LawSet,
    home: &HomeFacts,
    text: &str,
    on: Option<&str>,
    now: UnixMillis,
) -> Result<WhatIf, DeskError> {
    what_if_signed(law, home, text, on, now, &[])
}

fn what_if_signed(
    law: &LawSet,
    home: &HomeFacts,
    text: &str,
    on: Option<&str>,
    now: UnixMillis,
    signed: &[RuleSignature],
) -> Result<WhatIf, DeskError> {
    let demand = read(text)?;
    let received = moment(&demand, &home.zone, on)?.unwrap_or(now);
    let decisions = demand
        .accounts
        .iter()
        .map(|subject| Ok(decide(law, home, &demand, subject, received, Mode::WhatIf, signed)?.1))
        .collect::<Result<Vec<_>, DeskError>>()?;
    Ok(WhatIf { decisions })
}

/// The moment of a what-if: the day asked for, else the day on which the demand says it was served.
fn moment(demand: &Demand, zone: &str, on: Option<&str>) -> Result<Option<UnixMillis>, DeskError> {
    match on {
        Some(day) => {
            let day: Day = day.parse().map_err(|error| DeskError::Demand(format!("--on {day}: {error}")))?;
            Ok(Some(rules::what_if_moment(day, zone)))
        }
        None => demand.served_at(zone).map_err(|error| DeskError::Demand(error.to_string())),
    }
}

fn decide(
    law: &LawSet,
    home: &HomeFacts,
    demand: &Demand,
    subject: &Address,
    received: UnixMillis,
    mode: Mode,
    signed: &[RuleSignature],
) -> Result<(Facts, Decision), DeskError> {
    let mut facts = demand.facts(law, home, subject, received).map_err(|error| DeskError::Demand(error.to_string()))?;
    facts.signed = signed.to_vec();
    let decision = rules::decide(law, &facts, mode);
    Ok((facts, decision))
}
