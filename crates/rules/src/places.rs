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

    /// Whether some member of `set`, on any day, lies within `place` or around it.
    pub(crate) fn ever_within(&self, set: &str, place: &Jurisdiction) -> bool {
        self.0.get(set).is_some_and(|members| {
            members.iter().any(|member| within(place, &member.state) || within(&member.state, place))
        })
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
