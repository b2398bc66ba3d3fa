//! The questions of a decision: missing facts that matter, the most decisive first.

use std::collections::BTreeSet;

use crate::condition::FactIndex;
use crate::decision::Question;
use crate::judge::{Answer, Judge};
use crate::law::RuleIndex;
use crate::standing::Standings;
use crate::vocabulary::About;

#[derive(Default)]
pub(crate) struct Waiting {
    /// How many rules, over all units, need it where a disclosure depends on it.
    pub(crate) weight: usize,
    pub(crate) rules: BTreeSet<RuleIndex>,
}
/// The item and copy that a question may be about.
pub(crate) struct QuestionSubject<'n> {
    pub(crate) item: Option<&'n str>,
    pub(crate) copy: Option<&'n str>,
}
impl Judge<'_> {
    /// Records the facts that open rules need.
    pub(crate) fn wait(
        &mut self,
        standings: &Standings,
        about: &QuestionSubject<'_>,
        matters: impl Fn(RuleIndex) -> bool,
        weight: usize,
    ) {
        for (index, missing) in standings.open.iter().filter(|(index, _)| matters(*index)) {
            for fact in missing {
                let about = match self.law.vocabulary().facts().get(fact.0).map(|def| def.about) {
                    Some(About::Item) => about.item,
                    Some(About::Copy) => about.copy,
                    _ => None,
                };
                let waiting = self.questions.entry((*fact, about.map(str::to_owned))).or_default();
                waiting.weight += weight;
                waiting.rules.insert(*index);
            }
        }
    }

    /// This unit's questions, as conditions.
    pub(crate) fn asked_here(&self, standings: &Standings, answer: &Answer) -> Vec<String> {
        let facts: BTreeSet<FactIndex> = standings
            .open
            .iter()
            .filter(|(index, _)| answer.matters.contains(index))
            .flat_map(|(_, missing)| missing.iter().copied())
            .collect();
        facts
            .into_iter()
            .filter_map(|fact| self.law.vocabulary().facts().get(fact.0))
            .map(|def| def.question.clone())
            .collect()
    }

    /// The questions, the fact that most decisions depend on first, then in the vocabulary's order.
    pub(crate) fn questions(self) -> Vec<Question> {
        let mut all: Vec<_> = self.questions.into_iter().collect();
        all.sort_by_key(|((fact, about), waiting)| {
            (std::cmp::Reverse((waiting.weight, waiting.rules.len())), *fact, about.clone())
        });
        all.into_iter()
            .filter_map(|((fact, about), waiting)| {
                let def = self.law.vocabulary().facts().get(fact.0)?;
                Some(Question {
                    fact: def.name.clone(),
                    text: def.question.clone(),
                    about,
                    settles: waiting.rules.iter().map(|index| self.law.at(*index).id.clone()).collect(),
                })
            })
            .collect()
    }
}
