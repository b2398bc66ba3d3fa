//! What the pages are made from, and which pages there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use askama::Template;
use rules::{Case, Confidence, Day, Decision, LawErrors, LawSet, Mode, Node, Outcome, Picture, Rule, RuleSignature};
use terms::Jurisdiction;

use super::words;
use crate::web::assets::{self, CSS};
use crate::web::headers::{CACHE_FOR_GOOD, CACHE_REVALIDATE};

/// The set with its cases, and what has to be looked up in both directions.
#[derive(Debug)]
pub struct LawSite {
    pub(super) law: LawSet,
    pub(super) cases: Vec<Case>,
    pub(super) pictures: Vec<Picture>,
    /// What the set makes of the cases, once a page has asked: a node starts without having decided them all.
    answers: OnceLock<Answers>,
    /// Every day on which the law changes.
    pub(super) days: Vec<Day>,
    /// Page names of rules and of cases, since an id may hold what a file name should not.
    rule_pages: BTreeMap<String, usize>,
    case_pages: BTreeMap<String, usize>,
    /// Where made-up facts begin: the home and its zone.
    pub(super) home: (Jurisdiction, String),
    /// The counsel who signed the set, if any.
    adopted_by: Option<String>,
    /// Counsel's signatures on single rules.
    pub(super) signed: Vec<RuleSignature>,
}

/// What the set makes of the cases.
#[derive(Debug)]
pub(super) struct Answers {
    /// The outcome of each case, in their order.
    pub(super) outcomes: Vec<Told>,
    /// For each rule, in its order, what the cases say of it.
    pub(super) by_rule: Vec<Seen>,
}

/// What became of a case.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) outcome: Outcome,
    pub(super) failures: Vec<String>,
}

/// Cases, by their place in the site.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// It decides, or sets something beside.
    pub(super) decides: BTreeSet<usize>,
    /// It applies and another rule defeats it.
    pub(super) defeated: BTreeSet<usize>,
    /// One condition alone keeps it out.
    pub(super) kept_out: BTreeSet<usize>,
}

/// A page, or a file beside the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its media type.
    pub media_type: &'static str,
    /// Its text.
    pub text: String,
    /// What a cache may do with it; `None` of what answers made-up facts, which no cache keeps.
    pub(crate) cache: Option<&'static str>,
    /// The facts given cannot be decided; the page says why beside each field.
    pub(crate) is_refused: bool,
}

/// The media type of pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// Where a page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium<'a> {
    /// A browser, with the query of its request.
    Served(&'a str),
    /// Written to a file: there is no form to fill in.
    File,
}

/// What every page shows around its matter.
pub(super) struct Frame<'a> {
    /// From this page to the first one: empty, or `../`.
    pub(super) root: &'static str,
    /// The name of the style sheet, beside the first page.
    pub(super) css: &'static str,
    pub(super) digest: String,
    pub(super) short: String,
    pub(super) rules: usize,
    pub(super) unconfirmed: usize,
    /// Who answers for the set, in a sentence.
    pub(super) review: String,
    /// The part of the navigation that this page is in.
    pub(super) here: &'a str,
}

impl LawSite {
    /// Makes a site of the set in `law` and of the cases and pictures among `files`, which are those that the set was
    /// loaded from. `home` and `zone` are where made-up facts begin.
    ///
    /// # Errors
    /// Every fault of every case and picture.
    pub fn new<P: AsRef<str>, T: AsRef<str>>(
        law: LawSet,
        files: &[(P, T)],
        home: Jurisdiction,
        zone: String,
    ) -> Result<Self, LawErrors> {
        let cases = rules::read_cases(&law, files)?;
        let pictures = rules::read_pictures(&law, &cases, files)?;
        let days = law.days_of_change();
        let rule_pages = page_names(law.rules().iter().map(|rule| rule.id.as_str()));
        let case_pages = page_names(cases.iter().map(|case| case.id.as_str()));
        Ok(Self {
            cases,
            pictures,
            answers: OnceLock::new(),
            days,
            rule_pages,
            case_pages,
            home: (home, zone),
            adopted_by: None,
            signed: Vec::new(),
            law,
        })
    }

    /// The same site with the name of the counsel who signed the set, and counsel's signatures on single rules. A signature
    /// confirms a rule only as long as the rule has not changed.
    #[must_use]
    pub fn signed(mut self, adopted_by: Option<String>, mut rules: Vec<RuleSignature>) -> Self {
        rules.retain(|one| self.law.rule(&one.rule).is_some_and(|rule| rule.digest() == one.digest));
        self.adopted_by = adopted_by;
        self.signed = rules;
        self
    }

    /// What the set makes of the cases. The first page that asks waits until all are decided, some milliseconds.
    pub(super) fn answers(&self) -> &Answers {
        self.answers.get_or_init(|| answers(&self.law, &self.cases))
    }

    /// The digest of the set, as the pages show it.
    pub fn digest(&self) -> String {
        self.law.digest().to_string()
    }

    /// The paths of all pages and files, relative to the site's own place. A served site has more: a page for every day.
    pub fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = [
            assets::law_css().name(),
            "index.html",
            "instruments.html",
            "states.html",
            "days.html",
            "cases.html",
            "unconfirmed.html",
            "words.html",
            "routes.html",
            "calendars.html",
            "what-if.html",
        ]
        .map(str::to_owned)
        .to_vec();
        paths.extend(self.law.vocabulary().instruments.iter().map(|word| words::instrument_page(&word.name)));
        paths.extend(self.states().into_iter().map(|state| words::state_page(&state)));
        paths.extend(self.days.iter().map(|day| words::day_page(*day)));
        paths.extend(self.rule_pages.keys().map(|name| format!("rule/{name}.html")));
        paths.extend(self.case_pages.keys().map(|name| format!("case/{name}.html")));
        paths.extend(self.pictures.iter().map(|picture| words::picture_page(&picture.id)));
        paths
    }

    /// The page at `path`, as [`LawSite::paths`] gives it or `day/YYYY-MM-DD.html` for any day. `None`: there is none.
    pub fn page(&self, path: &str, medium: Medium<'_>) -> Option<Page> {
        let sheet = assets::law_css();
        let text = match path {
            name if name == sheet.name() => {
                let text = sheet.text().to_owned();
                return Some(Page { media_type: CSS, text, cache: Some(CACHE_FOR_GOOD), is_refused: false });
            }
            "what-if.html" => return self.what_if(medium),
            "" | "index.html" => self.front(),
            "instruments.html" => self.instruments(),
            "states.html" => self.states_list(),
            "days.html" => self.day_list(medium != Medium::File),
            "cases.html" => self.case_list(),
            "unconfirmed.html" => self.unconfirmed_list(),
            "words.html" => self.word_list(),
            "routes.html" => self.route_list(),
            "calendars.html" => self.calendar_list(),
            _ => {
                let (folder, name) = path.strip_suffix(".html")?.split_once('/')?;
                match folder {
                    "rule" => self.rule_page(*self.rule_pages.get(name)?),
                    "case" => self.case_page(*self.case_pages.get(name)?),
                    "instrument" => self.instrument_page(name),
                    "state" => self.state_page(name),
                    "day" => self.day_page(name.parse().ok()?),
                    "picture" => self.picture_page(name),
                    _ => None,
                }
            }
        }?;
        Some(Page { media_type: HTML, text, cache: Some(CACHE_REVALIDATE), is_refused: false })
    }

    /// The frame of a page in `folder` depth 0 or 1.
    pub(super) fn frame<'a>(&self, root: &'static str, here: &'a str) -> Frame<'a> {
        let digest = self.law.digest().to_string();
        let short = digest.get(..16).unwrap_or(&digest).to_owned();
        let unconfirmed = self.law.rules().iter().filter(|rule| self.is_unconfirmed(rule)).count();
        let review = match &self.adopted_by {
            Some(counsel) => {
                format!("{counsel}, the operator’s counsel, has signed this set and is responsible for it.")
            }
            None => {
                "No lawyer has reviewed this set; the operator’s counsel is responsible for the set in use.".to_owned()
            }
        };
        Frame {
            root,
            css: assets::law_css().name(),
            review,
            short,
            digest,
            rules: self.law.rules().len(),
            unconfirmed,
            here,
        }
    }

    /// The path of a rule's page; the page of all instruments for an id that is none.
    pub(super) fn rule_path(&self, id: &str) -> String {
        let name = self.rule_pages.iter().find(|(_, index)| self.law.rules().get(**index).is_some_and(|r| r.id == id));
        name.map_or_else(|| "instruments.html".to_owned(), |(name, _)| format!("rule/{name}.html"))
    }

    /// The path of a case's page.
    pub(super) fn case_path(&self, number: usize) -> String {
        let name = self.case_pages.iter().find(|(_, index)| **index == number);
        name.map_or_else(|| "cases.html".to_owned(), |(name, _)| format!("case/{name}.html"))
    }

    /// The first folders of the files of rules: States, unions, and the house.
    pub(super) fn states(&self) -> BTreeSet<String> {
        self.law.files().iter().map(|file| words::state_of(&file.path).to_owned()).collect()
    }

    /// Whether a rule supports no disclosure before counsel has signed it.
    pub(super) fn is_unconfirmed(&self, rule: &Rule) -> bool {
        rule.confidence < Confidence::Read && !self.signed.iter().any(|one| one.rule == rule.id)
    }

    /// How well a rule was read: in a sentence, and in a word or two.
    pub(super) fn reading(&self, rule: &Rule) -> (&'static str, &'static str) {
        if rule.confidence < Confidence::Read && !self.is_unconfirmed(rule) {
            return ("Not checked against the primary source, but signed by counsel.", "signed by counsel");
        }
        (words::confidence(rule.confidence), words::confidence_short(rule.confidence))
    }

    /// Decides the facts of a case as the case says.
    pub(super) fn decide_case(&self, case: &Case) -> Decision {
        rules::decide(&self.law, &case.facts, case.mode)
    }

    /// Decides made-up facts, as a what-if or as if they had been served.
    pub(super) fn decide(&self, facts: &rules::Facts, mode: Mode) -> Decision {
        rules::decide(&self.law, facts, mode)
    }
}

/// A template as text; a page that cannot be made is none.
pub(super) fn text(page: impl Template) -> Option<String> {
    page.render().ok()
}

/// Decides every case.
fn answers(law: &LawSet, cases: &[Case]) -> Answers {
    let place: BTreeMap<&str, usize> =
        law.rules().iter().enumerate().map(|(index, rule)| (rule.id.as_str(), index)).collect();
    let mut by_rule: Vec<Seen> = law.rules().iter().map(|_| Seen::default()).collect();
    let mut outcomes = Vec::with_capacity(cases.len());
    for (number, case) in cases.iter().enumerate() {
        let decision = rules::decide(law, &case.facts, case.mode);
        let mut note = |id: &str, list: fn(&mut Seen) -> &mut BTreeSet<usize>| {
            if let Some(seen) = place.get(id).and_then(|index| by_rule.get_mut(*index)) {
                list(seen).insert(number);
            }
        };
        rules::deciding(&decision).iter().for_each(|id| note(id, |seen| &mut seen.decides));
        for proof in proofs(&decision) {
            proof.applied.iter().for_each(|node| below(node, &mut |id| note(id, |seen| &mut seen.defeated)));
            proof.near.iter().for_each(|near| note(&near.rule, |seen| &mut seen.kept_out));
        }
        outcomes.push(Told { outcome: decision.outcome, failures: rules::compare(case, &decision) });
    }
    Answers { outcomes, by_rule }
}

fn proofs(decision: &Decision) -> impl Iterator<Item = &rules::Proof> {
    decision.units.iter().map(|unit| &unit.proof).chain([&decision.silence.proof])
}

/// Every rule that `node` defeats, directly or through others.
fn below(node: &Node, note: &mut dyn FnMut(&str)) {
    for other in &node.defeats {
        note(&other.rule);
        below(other, note);
    }
}

/// A page name for each id; a name that is taken gets a number.
fn page_names<'a>(ids: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for (index, id) in ids.enumerate() {
        let plain = words::plain(id);
        let mut name = plain.clone();
        let mut number = 1;
        while names.contains_key(&name) {
            number += 1;
            name = format!("{plain}_{number}");
        }
        names.insert(name, index);
    }
    names
}
