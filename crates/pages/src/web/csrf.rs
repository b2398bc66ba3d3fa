//! Forged forms: another site's page must not act for an owner, nor sign a visitor in to an account of its own.
//!
//! A form is read by [`posted`] alone, which refuses what another site sent; what changes an account also demands a
//! [`SessionForm`], which [`SessionForm::check`] makes from the token that the session's own pages carry.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, header};
use data_encoding::BASE64URL_NOPAD;
use vault::SessionToken;

use super::error::PageError;
use super::form::PostedForm;

/// What the form's token is a hash of, under the session's token.
const FORM: &[u8] = b"bailiwick/form/v1";

/// The posted form, unless another site's page sent it or it is not a form.
pub(crate) fn posted(headers: &HeaderMap, body: &[u8]) -> Result<PostedForm, PageError> {
    if !came_from_here(headers) {
        return Err(PageError::ForeignForm);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(PageError::NotAForm);
    }
    Ok(PostedForm::read(body)?)
}

/// A posted form that a page of this very session sent.
pub(crate) struct SessionForm(PostedForm);

impl SessionForm {
    pub(crate) fn check(token: &SessionToken, form: PostedForm) -> Result<Self, PageError> {
        if is_form_of(token, form.text("form")) { Ok(Self(form)) } else { Err(PageError::StaleForm) }
    }
}

impl std::ops::Deref for SessionForm {
    type Target = PostedForm;

    fn deref(&self) -> &PostedForm {
        &self.0
    }
}

fn form_key(token: &SessionToken) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes())
}

/// The token of every form of a session. Only a page that can read the session's own pages knows it.
pub(crate) fn form_token(token: &SessionToken) -> String {
    BASE64URL_NOPAD.encode(hmac::sign(&form_key(token), FORM).as_ref())
}

/// Whether a form belongs to this session; in constant time.
fn is_form_of(token: &SessionToken, sent: &str) -> bool {
    BASE64URL_NOPAD.decode(sent.as_bytes()).is_ok_and(|sent| hmac::verify(&form_key(token), FORM, &sent).is_ok())
}

/// Whether the browser says that a page of this site sent the form. Every browser that knows SameSite also says so
/// (Fetch Metadata, or `Origin` of RFC 6454 section 7); a program that is not a browser says nothing, and carries no owner's
/// cookie either. This keeps another site from signing a visitor in to an account of its own, when there is no cookie yet.
fn came_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (text("origin"), text("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, of)| !host.is_empty() && of.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut all = HeaderMap::new();
        for (name, value) in pairs {
            all.append(*name, HeaderValue::from_str(value).unwrap());
        }
        all
    }

    #[test]
    fn a_form_is_of_one_session() {
        let (one, two) = (SessionToken::new("one".into()), SessionToken::new("two".into()));
        let form = form_token(&one);
        assert!(is_form_of(&one, &form));
        assert!(!is_form_of(&two, &form));
        for bad in ["", "!", &form[1..], &format!("{form}AA")] {
            assert!(!is_form_of(&one, bad), "{bad}");
        }
    }

    #[test]
    fn another_site_is_refused() {
        for (pairs, from_here) in [
            (&[("host", "a.example")][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://a.example"), ("host", "a.example")], false),
            (&[("origin", "https://a.example"), ("host", "a.example")], true),
            (&[("origin", "http://a.example:81"), ("host", "a.example:80")], false),
            (&[("origin", "https://b.example"), ("host", "a.example")], false),
            (&[("origin", "null"), ("host", "null")], false),
            (&[("origin", "https://"), ("host", "")], false),
            (&[("origin", "https://a.example")], false),
        ] {
            assert_eq!(came_from_here(&headers(pairs)), from_here, "{pairs:?}");
        }
    }
}
