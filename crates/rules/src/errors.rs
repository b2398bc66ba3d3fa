//! What is wrong with a law set or a demand file, in words that say where and what to do.

use std::fmt;

/// One thing wrong with a law file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LawError {
    /// The file, as it was named to [`crate::LawSet::load`].
    pub file: String,
    /// The line, counted from 1, where one is known.
    pub line: Option<usize>,
    /// The rule, where one is known.
    pub rule: Option<String>,
    /// What is wrong, what was expected, what to do.
    pub what: String,
}

/// Everything wrong with a law set: it is loaded whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LawErrors(pub Vec<LawError>);

/// What is wrong with a demand file, or with a home's declared facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandError {
    /// What is wrong, what was expected, what to do.
    pub what: String,
}

impl fmt::Display for LawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, ": rule {rule}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl fmt::Display for LawErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the law set has {} fault(s) and is not loaded:", self.0.len())?;
        self.0.iter().try_for_each(|error| writeln!(f, "  {error}"))
    }
}

impl fmt::Display for DemandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for LawError {}
impl std::error::Error for LawErrors {}
impl std::error::Error for DemandError {}

impl DemandError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// The line, counted from 1, that the byte at `offset` is on.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The fault that the TOML reader found.
pub(crate) fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> LawError {
    LawError {
        file: file.to_owned(),
        line: error.span().map(|span| line_at(text, span.start)),
        rule: None,
        what: error.message().to_owned(),
    }
}
