//! Reading forms: `application/x-www-form-urlencoded`, in a body or in a query, within limits. Pure.

use std::fmt;

use terms::Secret;

/// Bytes of a posted form. The longest form has a password, a new one twice, and a name.
pub(crate) const BODY_BYTES_MAX: usize = 8 * 1024;

/// Limits of a posted form. A field takes as much as the mail protocols take for a password. No field may come twice:
/// which of the two counts must not be a question.
const POSTED: Limits = Limits { fields_max: 100, field_bytes_max: 1024, may_repeat: false };

/// What a form may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) fields_max: usize,
    /// Of a name, and of a value.
    pub(crate) field_bytes_max: usize,
    /// A field may come more than once, as ticked boxes do.
    pub(crate) may_repeat: bool,
}

/// Why a form is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormError {
    TooManyFields(usize),
    FieldTooLong,
    FieldTwice,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyFields(max) => write!(f, "The form has more than {max} fields."),
            Self::FieldTooLong => f.write_str("A field of the form is too long."),
            Self::FieldTwice => f.write_str("A field of the form was sent twice."),
        }
    }
}

/// The fields of a form in their order. Bytes that are not UTF-8 become U+FFFD, which no field accepts.
pub(crate) fn fields(text: &[u8], limits: Limits) -> Result<Vec<(String, Secret<String>)>, FormError> {
    let mut fields: Vec<(String, Secret<String>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text) {
        let value = Secret::new(value.into_owned());
        if fields.len() >= limits.fields_max {
            return Err(FormError::TooManyFields(limits.fields_max));
        }
        if name.len() > limits.field_bytes_max || value.expose().len() > limits.field_bytes_max {
            return Err(FormError::FieldTooLong);
        }
        if !limits.may_repeat && fields.iter().any(|(known, _)| *known == name) {
            return Err(FormError::FieldTwice);
        }
        fields.push((name.into_owned(), value));
    }
    Ok(fields)
}

/// A posted form. Every value is treated as a secret.
pub(crate) struct PostedForm(Vec<(String, Secret<String>)>);

impl PostedForm {
    /// Reads a body. From a request, use [`csrf::posted`](super::csrf::posted), which looks first where it came from.
    pub(crate) fn read(body: &[u8]) -> Result<Self, FormError> {
        fields(body, POSTED).map(Self)
    }

    /// A field; empty when it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.expose())
    }

    pub(crate) fn secret(&self, name: &str) -> Secret<String> {
        self.text(name).into()
    }

    /// A code, if one was typed, without the spaces that apps show and people type.
    pub(crate) fn code(&self, name: &str) -> Option<Secret<String>> {
        let code: Secret<String> = Secret::new(self.text(name).split_whitespace().collect());
        if code.expose().is_empty() { None } else { Some(code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_twice_and_none_too_long() {
        let read = PostedForm::read;
        assert_eq!(read(b"a=1&b=2&a=3").err(), Some(FormError::FieldTwice));
        let long = format!("a={}", "x".repeat(POSTED.field_bytes_max + 1));
        assert_eq!(read(long.as_bytes()).err(), Some(FormError::FieldTooLong));
        let many: String = (0..=POSTED.fields_max).map(|n| format!("a{n}=&")).collect();
        assert_eq!(read(many.as_bytes()).err(), Some(FormError::TooManyFields(POSTED.fields_max)));
        assert!(read(b"%ff%00=%ff&=&&=;").is_err() || read(b"%ff=%00").is_ok());
        assert_eq!(read(b"code=+123+456%09").unwrap().code("code").unwrap().expose(), "123456");
        assert!(read(b"code=+").unwrap().code("code").is_none());
    }
}
