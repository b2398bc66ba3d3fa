//! The law on a day: what was in force, what began, what had ended.

use askama::Template;
use rules::{Day, Rule};

use super::rule::{RuleRow, RuleTable};
use super::site::{Frame, LawSite, text};
use super::words;

#[derive(Template)]
#[template(path = "law/days.html")]
struct DaysPage<'a> {
    frame: Frame<'a>,
    is_served: bool,
    days: Vec<ChangeRow>,
}

struct ChangeRow {
    path: String,
    day: String,
    begins: Vec<(String, String)>,
    ends: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "law/day.html")]
struct DayPage<'a> {
    frame: Frame<'a>,
    day: String,
    changed: Option<(String, String)>,
    before: Option<(String, String)>,
    after: Option<(String, String)>,
    begins: Vec<RuleRow>,
    ends: Vec<RuleRow>,
    count: usize,
    unconfirmed: usize,
    tables: Vec<RuleTable>,
}

impl LawSite {
    pub(super) fn day_list(&self, is_served: bool) -> Option<String> {
        let links = |wanted: &dyn Fn(&Rule) -> bool| -> Vec<(String, String)> {
            let rules = self.law.rules().iter().filter(|rule| wanted(rule));
            rules.map(|rule| (self.rule_path(&rule.id), rule.id.clone())).collect()
        };
        let row = |day: &Day| ChangeRow {
            path: words::day_page(*day),
            day: day.to_string(),
            begins: links(&|rule| rule.in_force.from == *day),
            ends: links(&|rule| rule.in_force.to.is_some_and(|to| to.plus_days(1) == *day)),
        };
        let days = self.days.iter().rev().map(row).collect();
        text(DaysPage { frame: self.frame("", "days"), is_served, days })
    }

    /// The page that shows the law of `day`, which is that of the day of change before it.
    pub(super) fn law_of(&self, day: Day) -> String {
        let changed = self.days.iter().rev().find(|change| **change <= day);
        changed.map_or_else(|| "days.html".to_owned(), |change| words::day_page(*change))
    }

    pub(super) fn day_page(&self, day: Day) -> Option<String> {
        let link = |day: &Day| (words::day_page(*day), day.to_string());
        let rows = |wanted: &dyn Fn(&Rule) -> bool| -> Vec<RuleRow> {
            self.law.rules().iter().filter(|rule| wanted(rule)).map(|rule| self.rule_row(rule)).collect()
        };
        let is_law = |rule: &&Rule| rule.in_force.covers(day);
        let table = |state: String| RuleTable {
            rows: rows(&|rule| rule.in_force.covers(day) && words::state_of(&rule.file) == state),
            title: words::state_name(&state).to_owned(),
            note: String::new(),
        };
        let tables = self.states().into_iter().map(table);
        text(DayPage {
            frame: self.frame("../", "days"),
            day: day.to_string(),
            changed: self.days.iter().rev().find(|change| **change <= day).map(link),
            before: self.days.iter().rev().find(|change| **change < day).map(link),
            after: self.days.iter().find(|change| **change > day).map(link),
            begins: rows(&|rule| rule.in_force.from == day),
            ends: rows(&|rule| rule.in_force.to.is_some_and(|to| to.plus_days(1) == day)),
            count: self.law.rules().iter().filter(is_law).count(),
            unconfirmed: self.law.rules().iter().filter(is_law).filter(|rule| self.is_unconfirmed(rule)).count(),
            tables: tables.filter(|table| !table.rows.is_empty()).collect(),
        })
    }
}
