//! Dated sets of States: the members of a union, the States that a regulation binds. Membership is law and changes, so
//! it is data with days, not a list in a rule.

use std::collections::BTreeMap;

use terms::Jurisdiction;

use crate::condition::within;
use crate::value::Day;

/// The sets by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlaceSets(BTreeMap<String, Vec<Member>>);

/// A State's membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) state: Jurisdiction,
    /// The first day; `None` for longer than any rule here reaches back.
    pub(crate) from: Option<Day>,
    /// The last day.
    pub(crate) to: Option<Day>,
}

impl PlaceSets {
    /// Adds a set; `false` when the name is taken.
    pub(crate) fn add(&mut self, name: String, members: Vec<Member>) -> bool {
        self.0.insert(name, members).is_none()
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every State that was ever a member of `set`.
    pub(crate) fn members(&self, set: &str) -> impl Iterator<Item = Jurisdiction> {
        self.0.get(set).into_iter().flatten().map(|member| member.state.clone())
    }

    /// The days on which a membership begins, and those after its last.
    pub(crate) fn edges(&self) -> impl Iterator<Item = Day> {
        self.0.values().flatten().flat_map(|member| [member.from, member.to.map(|to| to.plus_days(1))]).flatten()
    }

    /// Whether `place` lies within a member of `set` on `day`.
    pub(crate) fn has(&self, set: &str, place: &Jurisdiction, day: Day) -> bool {
        self.0.get(set).is_some_and(|members| {
            members.iter().any(|member| {
                within(place, &member.state)
                    && member.from.is_none_or(|from| from <= day)
                    && member.to.is_none_or(|to| day <= to)
            })
        })
    }
}
