//! The texts of letters and of the certificate.

use super::error::LawError;

/// The texts of letters and of the certificate; they come with the law set, since they cite.
#[derive(Debug, Clone)]
pub struct Texts {
    /// What a person signs to authenticate a package.
    pub certificate: String,
    /// When the rules say no.
    pub not_compelled: String,
    /// When the rules say yes to a part.
    pub partial: String,
    /// When the rules send the case to counsel.
    pub counsel: String,
}

impl Texts {
    /// The house's texts among the files of a set.
    ///
    /// # Errors
    /// The path that is not there.
    pub fn of(files: &[(String, String)]) -> Result<Self, LawError> {
        let text = |path: &str| {
            let found = files.iter().find(|(name, _)| name == path);
            found.map(|(_, text)| text.clone()).ok_or_else(|| LawError::Lacks(path.to_owned()))
        };
        Ok(Self {
            certificate: text("house/certificate.txt")?,
            not_compelled: text("house/letters/not-compelled.txt")?,
            partial: text("house/letters/partial.txt")?,
            counsel: text("house/letters/counsel.txt")?,
        })
    }
}
