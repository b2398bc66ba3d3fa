//! The questions that a decision asks: facts that are missing and matter, the one that settles most first.

use std::collections::BTreeSet;

use crate::condition::FactIndex;
use crate::decision::Question;
use crate::judge::{Answer, Bench};
use crate::law::RuleIndex;
use crate::standing::Standings;
use crate::vocabulary::About;

#[derive(Default)]
pub(crate) struct Waiting {
    /// How many rules of how many units wait for it where a disclosure hangs on it.
    pub(crate) weight: usize,
    pub(crate) rules: BTreeSet<RuleIndex>,
}
/// What a question is about.
pub(crate) struct Names<'n> {
    pub(crate) item: Option<&'n str>,
    pub(crate) copy: Option<&'n str>,
}
impl Bench<'_> {
    /// Notes the facts that open rules wait for.
    pub(crate) fn wait(
        &mut self,
        standings: &Standings,
        about: &Names<'_>,
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

    /// The questions of this unit, as conditions.
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

    /// The fact that most decisions wait for first; then in the vocabulary's order.
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
