//! The words that pages share: names of pages, days, effects and outcomes as a reader should see them.

use rules::{Basis, Confidence, Effect, InForce, Outcome, Topic};
use terms::Category;

/// A name that a file may have: letters, digits, dots, hyphens and underscores of `id`; anything else becomes an
/// underscore, and so no set of rules can name a file outside the directory of its pages.
pub(super) fn plain(id: &str) -> String {
    let plain: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' }).collect();
    if plain.starts_with('.') || plain.is_empty() { format!("_{plain}") } else { plain }
}

/// The page of an instrument.
pub(super) fn instrument_page(word: &str) -> String {
    format!("instrument/{}.html", plain(word))
}

/// The page of a State.
pub(super) fn state_page(state: &str) -> String {
    format!("state/{}.html", plain(state))
}

/// The page of a day.
pub(super) fn day_page(day: rules::Day) -> String {
    format!("day/{day}.html")
}

/// The page of a picture.
pub(super) fn picture_page(id: &str) -> String {
    format!("picture/{}.html", plain(id))
}

/// The State that a file of rules belongs to: its first folder.
pub(super) fn state_of(path: &str) -> &str {
    path.split_once('/').map_or("other", |(folder, _)| folder)
}

/// A State's folder in words.
pub(super) fn state_name(folder: &str) -> &str {
    match folder {
        "us" => "United States",
        "eu" => "European Union",
        "ie" => "Ireland",
        "uk" | "gb" => "United Kingdom",
        "de" => "Germany",
        "ch" => "Switzerland",
        "au" => "Australia",
        "treaties" => "Treaties",
        "house" => "The provider's own rules",
        other => other,
    }
}

/// An effect in words.
pub(super) fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Compels => "compels",
        Effect::Permits => "permits",
        Effect::Bars => "bars",
        Effect::Redirects => "redirects",
        Effect::Refers => "refers to counsel",
        Effect::Requires => "requires",
        Effect::SilenceBinds => "non-disclosure applies",
        Effect::SilenceNone => "no non-disclosure",
        Effect::SilenceEnded => "non-disclosure has ended",
        Effect::SilenceRefers => "non-disclosure: counsel decides",
        Effect::ChallengeOpen => "can be challenged",
        Effect::ChallengeClosed => "cannot be challenged",
        Effect::ChallengeRefers => "challenge: counsel decides",
        Effect::Times => "sets a deadline",
        Effect::Notes => "adds a consequence",
    }
}

/// The look of an effect.
pub(super) fn effect_look(effect: Effect) -> &'static str {
    match effect {
        Effect::Compels => "compelled",
        Effect::Permits => "permitted",
        Effect::Bars => "barred",
        Effect::Redirects => "redirect",
        Effect::Requires => "conditional",
        Effect::Refers | Effect::SilenceRefers | Effect::ChallengeRefers => "counsel",
        _ => "plain",
    }
}

/// The question of a topic, as a heading.
pub(super) fn topic(topic: Topic) -> &'static str {
    match topic {
        Topic::Disclosure => "Must or may the data be disclosed?",
        Topic::Silence => "May the owner be told?",
        Topic::Challenge => "Can the provider challenge the demand?",
        Topic::Time => "By when?",
        Topic::Note => "What else applies?",
    }
}

/// The look of an outcome.
pub(super) fn outcome_look(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Compelled => "compelled",
        Outcome::Permitted => "permitted",
        Outcome::NotCompelledBarred => "barred",
        Outcome::NotCompelledRedirect => "redirect",
        Outcome::Partial => "partial",
        Outcome::Conditional => "conditional",
        Outcome::ReferCounsel => "counsel",
    }
}

/// An outcome in a word or two, for a picture.
pub(super) fn outcome_short(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Compelled => "compelled",
        Outcome::Permitted => "permitted",
        Outcome::NotCompelledBarred => "barred",
        Outcome::NotCompelledRedirect => "other process",
        Outcome::Partial => "partial",
        Outcome::Conditional => "conditional",
        Outcome::ReferCounsel => "counsel decides",
    }
}

/// How well a rule was read, in a sentence.
pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Read => "Read in the primary source.",
        Confidence::Secondary => {
            "Unconfirmed: read in a secondary source only. It supports no disclosure until counsel has signed it."
        }
        Confidence::Memory => "Unconfirmed: from memory. It supports no disclosure until counsel has signed it.",
        Confidence::Unsure => {
            "Unconfirmed: from memory, and doubtful. It supports no disclosure until counsel has signed it."
        }
    }
}

/// The same in a word or two, for a table.
pub(super) fn confidence_short(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Read => "read",
        Confidence::Secondary => "unconfirmed: secondary source",
        Confidence::Memory => "unconfirmed: from memory",
        Confidence::Unsure => "unconfirmed: doubtful",
    }
}

/// What kind of law a rule is.
pub(super) fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Statute => "statute",
        Basis::Precedent => "court decision, binding on the courts named",
        Basis::Treaty => "treaty or agreement between States",
        Basis::Policy => "the provider's own rule, or guidance; never overrides law",
    }
}

/// The categories of a rule; all when it names none.
pub(super) fn categories(asks: &[Category]) -> String {
    let names: Vec<_> = asks.iter().map(|category| category.as_str()).collect();
    if names.is_empty() { "all".to_owned() } else { names.join(", ") }
}

/// The days of a rule.
pub(super) fn force(force: &InForce) -> String {
    match force.to {
        Some(to) => format!("{} to {to}", force.from),
        None => format!("from {}", force.from),
    }
}

/// Words joined by commas; a dash for none.
pub(super) fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

/// A word of the vocabulary as a reader sees it: underscores become spaces.
pub(super) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}
