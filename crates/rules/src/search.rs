//! The search used by the check: it finds facts under which given rules apply and others do not. It narrows sets of
//! representatives ([`crate::space`]) and branches only on which condition of a rule is to fail. So it terminates, and
//! if it finds no facts, there are none.

use crate::law::RuleIndex;
use crate::space::{Cell, Conjunction, Mask, Space};

/// A goal of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The rule applies.
    Applies(RuleIndex),
    /// It does not.
    Fails(RuleIndex),
    /// The rule does not apply, or an applicable rule overrides it.
    Silent(RuleIndex),
    /// The extra conjunction with this index holds.
    Holds(usize),
    /// It does not.
    Lacks(usize),
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchResult {
    /// These facts meet the goals.
    Facts(Vec<Mask>),
    /// There are no such facts.
    Nothing,
    /// The search was aborted.
    GivenUp,
}

/// The maximum number of branches of a search. The real set needs a few hundred at most; the limit is for sets designed
/// never to end.
const BRANCHES_MAX: usize = 20_000;

pub(crate) struct Search<'s> {
    space: &'s Space<'s>,
    left: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    True,
    False,
    Open,
}

impl<'s> Search<'s> {
    /// Looks for facts within `domain` that meet every goal.
    pub(crate) fn run(space: &'s Space<'s>, mut domain: Vec<Mask>, goals: &[Goal]) -> SearchResult {
        let mut search = Search { space, left: BRANCHES_MAX };
        let mut open = Vec::new();
        for goal in goals {
            match goal {
                Goal::Applies(rule) => match &space.rules[rule.0] {
                    Some(all) => open.extend(narrow_all(&mut domain, all)),
                    None => return SearchResult::Nothing,
                },
                Goal::Holds(extra) => open.extend(narrow_all(&mut domain, &space.extra[*extra])),
                _ => {}
            }
        }
        if domain.contains(&0) {
            return SearchResult::Nothing;
        }
        let avoid: Vec<Goal> =
            goals.iter().copied().filter(|goal| !matches!(goal, Goal::Applies(_) | Goal::Holds(_))).collect();
        let open: Vec<&Cell> = open.into_iter().collect();
        match search.solve(domain, &open, &avoid) {
            Some(domain) => SearchResult::Facts(domain),
            None if search.left == 0 => SearchResult::GivenUp,
            None => SearchResult::Nothing,
        }
    }

    /// `pairs` are comparisons of two facts that must hold, `avoid` what must not come about.
    fn solve(&mut self, domain: Vec<Mask>, pairs: &[&'s Cell], avoid: &[Goal]) -> Option<Vec<Mask>> {
        self.left = self.left.checked_sub(1)?;
        if self.left == 0 || domain.contains(&0) {
            return None;
        }
        if let Some((first, rest)) = pairs.split_first() {
            let Cell::Two(one, _, table) = first else { return self.solve(domain, rest, avoid) };
            for at in (0..table.len()).filter(|at| domain[one.0] >> at & 1 == 1) {
                let mut next = domain.clone();
                set_pair(&mut next, first, at, table[at]);
                if let Some(found) = self.solve(next, rest, avoid) {
                    return Some(found);
                }
            }
            return None;
        }
        // Try the goal with the fewest ways to meet it first.
        let mut best: Option<(Goal, Vec<Way<'s>>)> = None;
        let mut waiting = Vec::new();
        for goal in avoid {
            match self.ways(&domain, *goal) {
                None => {}
                Some(ways) if ways.is_empty() => return None,
                Some(ways) => {
                    waiting.push(*goal);
                    if best.as_ref().is_none_or(|(_, known)| ways.len() < known.len()) {
                        best = Some((*goal, ways));
                    }
                }
            }
        }
        let Some((goal, ways)) = best else { return Some(domain) };
        let rest: Vec<Goal> = waiting.into_iter().filter(|other| *other != goal).collect();
        let mut domain = domain;
        for way in ways {
            match way {
                Way::Break(cell) => {
                    let fails = self.break_cell(&domain, cell);
                    for next in fails {
                        if let Some(found) = self.solve(next, &[], &rest) {
                            return Some(found);
                        }
                    }
                    // From here on this condition holds: its failure has been explored.
                    if let Cell::One(fact, mask) = cell {
                        domain[fact.0] &= mask;
                        if domain[fact.0] == 0 {
                            return None;
                        }
                    }
                }
                Way::Apply(all) => {
                    let mut next = domain.clone();
                    let pairs = narrow_all(&mut next, all);
                    if let Some(found) = self.solve(next, &pairs, &rest) {
                        return Some(found);
                    }
                }
            }
        }
        None
    }

    /// The ways to meet `goal`; `None` if it is met in any case.
    fn ways(&self, domain: &[Mask], goal: Goal) -> Option<Vec<Way<'s>>> {
        let space = self.space;
        match goal {
            Goal::Fails(rule) => space.rules[rule.0].as_ref().and_then(|all| breaks(domain, all)),
            Goal::Lacks(extra) => breaks(domain, &space.extra[extra]),
            Goal::Silent(rule) => {
                let mut ways = breaks(domain, space.rules[rule.0].as_ref()?)?;
                for over in space.law.overriders(rule) {
                    if let Some(all) = space.rules[over.0].as_ref() {
                        match status(domain, all) {
                            Status::True => return None,
                            Status::Open => ways.push(Way::Apply(all)),
                            Status::False => {}
                        }
                    }
                }
                Some(ways)
            }
            Goal::Applies(_) | Goal::Holds(_) => None,
        }
    }

    /// The domains in which `cell` does not hold.
    fn break_cell(&self, domain: &[Mask], cell: &Cell) -> Vec<Vec<Mask>> {
        match cell {
            Cell::One(fact, mask) => {
                let mut next = domain.to_vec();
                next[fact.0] &= !mask;
                vec![next]
            }
            Cell::Two(one, _, table) => (0..table.len())
                .filter(|at| domain[one.0] >> at & 1 == 1)
                .map(|at| {
                    let mut next = domain.to_vec();
                    set_pair(&mut next, cell, at, !table[at]);
                    next
                })
                .collect(),
        }
    }
}

/// One way to meet a goal.
enum Way<'s> {
    /// This condition fails.
    Break(&'s Cell),
    /// All of these hold.
    Apply(&'s Conjunction),
}

/// The conditions that can fail; `None` if one already does.
fn breaks<'s>(domain: &[Mask], all: &'s Conjunction) -> Option<Vec<Way<'s>>> {
    let mut ways = Vec::new();
    for cell in all {
        match status_of(domain, cell) {
            Status::False => return None,
            Status::Open => ways.push(Way::Break(cell)),
            Status::True => {}
        }
    }
    Some(ways)
}

/// Narrows by every test on a single fact; returns those that compare two.
fn narrow_all<'s>(domain: &mut [Mask], all: &'s Conjunction) -> Vec<&'s Cell> {
    let mut pairs = Vec::new();
    for cell in all {
        match cell {
            Cell::One(fact, mask) => domain[fact.0] &= mask,
            Cell::Two(..) => pairs.push(cell),
        }
    }
    pairs
}

fn set_pair(domain: &mut [Mask], cell: &Cell, at: usize, second: Mask) {
    if let Cell::Two(one, two, _) = cell {
        domain[one.0] &= 1 << at;
        domain[two.0] &= second;
    }
}

fn status_of(domain: &[Mask], cell: &Cell) -> Status {
    let (some, all) = match cell {
        Cell::One(fact, mask) => (domain[fact.0] & mask != 0, domain[fact.0] & !mask == 0),
        Cell::Two(one, two, table) => {
            let rows = || (0..table.len()).filter(|at| domain[one.0] >> at & 1 == 1);
            (rows().any(|at| domain[two.0] & table[at] != 0), rows().all(|at| domain[two.0] & !table[at] == 0))
        }
    };
    match (some, all) {
        (false, _) => Status::False,
        (_, true) => Status::True,
        _ => Status::Open,
    }
}

fn status(domain: &[Mask], all: &Conjunction) -> Status {
    let mut out = Status::True;
    for cell in all {
        match status_of(domain, cell) {
            Status::False => return Status::False,
            Status::Open => out = Status::Open,
            Status::True => {}
        }
    }
    out
}
