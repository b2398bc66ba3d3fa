//! The certificate of authenticity that a person signs. Its wording is kept in `law/`; this fills it in.

use crate::DisclosureError;

/// The form shipped with the project, which an operator's counsel may replace.
pub const HOUSE_CERTIFICATE: &str = include_str!("../../../law/house/certificate.txt");

/// The form, and the facts in it that are not part of the package.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The text with `{names}` as placeholders: [`HOUSE_CERTIFICATE`] or the operator's own.
    pub template: String,
    /// The person who is to sign, or empty for a line to be filled in by hand.
    pub custodian: String,
    /// That person's office.
    pub title: String,
    /// What the system is: program, version, place.
    pub system: String,
    /// How the copies were made.
    pub process: String,
}

/// A line to be filled in by hand.
const BLANK: &str = "______________________________";

/// Replaces each `{name}` from `facts`. An unknown name is an error: an incomplete certificate must not go out.
pub(crate) fn fill(template: &str, facts: &[(&str, &str)]) -> Result<String, DisclosureError> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or_else(|| DisclosureError::Template("a { without a matching }".to_owned()))?;
        let (_, value) = facts
            .iter()
            .find(|(fact, _)| *fact == name)
            .ok_or_else(|| DisclosureError::Template(format!("unknown placeholder {{{name}}}")))?;
        out.push_str(before);
        out.push_str(if value.trim().is_empty() { BLANK } else { value });
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let facts = [("case", "7"), ("custodian", "")];
        assert_eq!(fill("Case {case} of {custodian}.", &facts).unwrap(), format!("Case 7 of {BLANK}."));
        // Values are not expanded again.
        assert_eq!(fill("{case}", &[("case", "{law}")]).unwrap(), "{law}");
        for bad in ["{", "{nothing}", "{case", "{}"] {
            assert!(fill(bad, &facts).is_err(), "{bad}");
        }
    }
}
