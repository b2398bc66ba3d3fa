//! Intake: a demand becomes a case, the rules decide, and what must be preserved is held.

use rules::{Day, Decision, Demand, Facts, Mode};
use serde_json::json;
use terms::{Address, CaseId, UnixMillis};

use crate::{Case, Desk, DeskError, Kind, Said, proposal, show};

impl Desk {
    /// Opens a case for each account that the demand names. The day of receipt is the node's clock. Durable when it
    /// returns: the case, its ledger entries, and the hold where the rules ask for one.
    ///
    /// # Errors
    /// [`DeskError::Demand`] when the file is not understood: no case is opened; the ledger's, the disk's.
    pub fn serve(&self, text: &str) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let demand = Demand::parse(text).map_err(|error| DeskError::Demand(error.to_string()))?;
        demand
            .delivery
            .age_recipient
            .parse::<disclosure::AgeRecipient>()
            .map_err(|error| DeskError::Demand(format!("delivery.age_recipient: {error}")))?;
        let received = self.parts.clock.now();
        // Everything is decided before anything is opened: a demand that cannot be understood opens nothing.
        let decided = demand
            .accounts
            .iter()
            .map(|subject| {
                let (facts, decision) = self.decide(&demand, subject, received, Mode::Service)?;
                Ok((subject.clone(), facts, decision))
            })
            .collect::<Result<Vec<_>, DeskError>>()?;
        let mut cases = Vec::new();
        for (subject, facts, decision) in decided {
            cases.push(self.open_case(text, subject, received, facts, decision)?);
        }
        Ok(show::served(&cases, received))
    }

    /// Decides the demand as of a day, or of its own `served`, or of now. Opens no case and mints nothing.
    ///
    /// # Errors
    /// [`DeskError::Demand`].
    pub fn what_if(&self, text: &str, on: Option<&str>) -> Result<Said, DeskError> {
        let demand = Demand::parse(text).map_err(|error| DeskError::Demand(error.to_string()))?;
        let received = self.moment(&demand, on)?;
        let decisions = demand
            .accounts
            .iter()
            .map(|subject| Ok(self.decide(&demand, subject, received, Mode::WhatIf)?.1))
            .collect::<Result<Vec<_>, DeskError>>()?;
        Ok(show::what_if(&decisions))
    }

    /// The moment of a what-if: the day asked for, else the day on which the demand says it was served, else now.
    fn moment(&self, demand: &Demand, on: Option<&str>) -> Result<UnixMillis, DeskError> {
        let zone = &self.parts.home_facts.zone;
        let asked = match on {
            Some(day) => {
                let day: Day = day.parse().map_err(|error| DeskError::Demand(format!("--on {day}: {error}")))?;
                Some(rules::what_if_moment(day, zone))
            }
            None => demand.served_at(zone).map_err(|error| DeskError::Demand(error.to_string()))?,
        };
        Ok(asked.unwrap_or_else(|| self.parts.clock.now()))
    }

    fn decide(
        &self,
        demand: &Demand,
        subject: &Address,
        received: UnixMillis,
        mode: Mode,
    ) -> Result<(Facts, Decision), DeskError> {
        let facts = demand
            .facts(&self.parts.law, &self.parts.home_facts, subject, received)
            .map_err(|error| DeskError::Demand(error.to_string()))?;
        let decision = rules::decide(&self.parts.law, &facts, mode);
        Ok((facts, decision))
    }

    fn open_case(
        &self,
        text: &str,
        subject: Address,
        received: UnixMillis,
        facts: Facts,
        decision: Decision,
    ) -> Result<Case, DeskError> {
        let id = CaseId(self.case_ids()?.last().map_or(0, |last| last.0) + 1);
        let canonical = proposal::canonical(&decision)?;
        let mut case = Case {
            format: Case::FORMAT,
            id,
            received,
            demand: text.to_owned(),
            demand_digest: proposal::sha256(text.as_bytes()),
            account: self.parts.store.account_of(&subject),
            subject,
            facts,
            decision,
            decision_digest: proposal::sha256(&canonical),
            order: None,
            steps: Vec::new(),
            letter: None,
            package: None,
        };
        self.carry_on_intake(&mut case)?;
        Ok(case)
    }

    /// Does what is left of a case's intake. Each part is recorded first, and doing it twice changes nothing, so that a
    /// power cut between record and effect is mended by doing it again.
    pub(crate) fn carry_on_intake(&self, case: &mut Case) -> Result<(), DeskError> {
        if !case.has(Kind::Demand) {
            let statement = json!({ "demand": case.demand_digest, "received": case.received.rfc3339() });
            self.record(case, Kind::Demand, statement)?;
        }
        if !case.has(Kind::Decision) {
            let statement = json!({
                "decision": case.decision_digest,
                "law": case.decision.law,
                "outcome": case.decision.outcome,
            });
            self.record(case, Kind::Decision, statement)?;
        }
        let open = case.letter.is_none() && case.package.is_none();
        if open
            && proposal::preserves(&case.decision)
            && let Some(account) = case.account
        {
            let (from, until) = proposal::span(&case.facts);
            if !case.has(Kind::Hold) {
                let statement = json!({ "from": from.rfc3339(), "until": until.rfc3339() });
                self.record(case, Kind::Hold, statement)?;
            }
            // The store keeps one hold per case; asked again, it adds nothing.
            self.parts.store.hold(case.id, account, from, until)?;
        }
        Ok(())
    }
}
