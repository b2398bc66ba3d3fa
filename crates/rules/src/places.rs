//! Dated sets of States: the members of a union, the States that a regulation binds. Membership is set and changed by
//! law, so it is dated data, not a list in a rule.

use std::collections::BTreeMap;

use terms::Jurisdiction;

use crate::condition::within;
use crate::value::Day;

/// The sets by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlaceSets(BTreeMap<String, PlaceSet>);

/// A dated set of States, as its file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlaceSet {
    /// Its name, which rules write as `@name`.
    pub name: String,
    /// What it means.
    pub means: String,
    /// The source consulted.
    pub source: String,
    pub members: Vec<Member>,
}

/// A State's membership.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Member {
    pub state: Jurisdiction,
    /// The first day; `None` if it is earlier than any rule here.
    pub from: Option<Day>,
    /// The last day.
    pub to: Option<Day>,
}

impl PlaceSets {
    /// Adds a set; `false` if the name is taken.
    pub(crate) fn add(&mut self, set: PlaceSet) -> bool {
        self.0.insert(set.name.clone(), set).is_none()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &PlaceSet> {
        self.0.values()
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every State that was ever a member of `set`.
    pub(crate) fn members(&self, set: &str) -> impl Iterator<Item = Jurisdiction> {
        self.0.get(set).into_iter().flat_map(|set| &set.members).map(|member| member.state.clone())
    }

    /// The days on which a membership begins, and the days after it ends.
    pub(crate) fn edges(&self) -> impl Iterator<Item = Day> {
        self.0
            .values()
            .flat_map(|set| &set.members)
            .flat_map(|member| [member.from, member.to.map(|to| to.plus_days(1))])
            .flatten()
    }

    /// Whether `place` is within a member of `set` on `day`.
    pub(crate) fn has(&self, set: &str, place: &Jurisdiction, day: Day) -> bool {
        self.0.get(set).is_some_and(|set| {
            set.members.iter().any(|member| {
                within(place, &member.state)
                    && member.from.is_none_or(|from| from <= day)
                    && member.to.is_none_or(|to| day <= to)
            })
        })
    }
}
