//! The certificate of authenticity that a person signs. Its words are law and stand in `law/`; here they are filled in.

use crate::DisclosureError;

/// The form that ships with the project, for an operator's counsel to replace.
pub const HOUSE_CERTIFICATE: &str = include_str!("../../../law/house/certificate.txt");

/// The form, and the facts in it that are not the package's own.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The text with `{names}` to be filled in: [`HOUSE_CERTIFICATE`] or the operator's own.
    pub template: String,
    /// Who is to sign, or an empty text for a line to fill in by hand.
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

/// Fills `{name}` from `facts`. A name that is no fact is an error: a certificate with a hole must not go out.
pub(crate) fn fill(template: &str, facts: &[(&str, &str)]) -> Result<String, DisclosureError> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or_else(|| DisclosureError::Template("a { without its }".to_owned()))?;
        let (_, value) = facts
            .iter()
            .find(|(fact, _)| *fact == name)
            .ok_or_else(|| DisclosureError::Template(format!("{{{name}}} is no fact of a package")))?;
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
    fn holes() {
        let facts = [("case", "7"), ("custodian", "")];
        assert_eq!(fill("Case {case} of {custodian}.", &facts).unwrap(), format!("Case 7 of {BLANK}."));
        // A value is never a template.
        assert_eq!(fill("{case}", &[("case", "{law}")]).unwrap(), "{law}");
        for bad in ["{", "{nothing}", "{case", "{}"] {
            assert!(fill(bad, &facts).is_err(), "{bad}");
        }
    }
}
