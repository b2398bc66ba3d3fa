//! Errors in a law set or a demand file, with where they are and what to do.

use std::fmt;

/// An error in a law file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LawError {
    /// The file, as passed to [`crate::LawSet::load`].
    pub file: String,
    /// The line, counted from 1, if known.
    pub line: Option<usize>,
    /// The rule, if known.
    pub rule: Option<String>,
    /// What is wrong, what was expected, and what to do.
    pub what: String,
}

/// All errors in a law set, which is loaded as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LawErrors(pub Vec<LawError>);

/// An error in a demand file, or in a home's declared facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandError {
    /// What is wrong, what was expected, and what to do.
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
        writeln!(f, "the law set has {} error(s) and was not loaded:", self.0.len())?;
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

/// The line, counted from 1, of the byte at `offset`.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// An error of the TOML parser.
pub(crate) fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> LawError {
    LawError {
        file: file.to_owned(),
        line: error.span().map(|span| line_at(text, span.start)),
        rule: None,
        what: error.message().to_owned(),
    }
}
