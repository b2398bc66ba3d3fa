//! The session cookie: how it is named, guarded, given and taken away.

use axum::http::{HeaderMap, HeaderValue, header};
use terms::Secret;
use vault::SessionToken;

/// How long a session of the pages lasts, in milliseconds: 12 hours, a working day. A browser left open
/// in the evening is signed out in the morning. The vault allows 30 days.
pub(crate) const SESSION_MILLIS: i64 = 12 * 3_600_000;

/// How this site names and protects its cookies.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    /// The session's cookie. The home is part of it: a browser sends the cookies of a host to every port of it, and several
    /// nodes can run on one machine.
    name: String,
    /// Whether browsers reach this site over TLS only.
    is_secure: bool,
}

impl Cookies {
    pub(crate) fn new(home: &str, is_secure: bool) -> Self {
        // draft-ietf-httpbis-rfc6265bis section 4.1.3.1: a browser accepts a `__Secure-` cookie over TLS only, so that
        // nobody on the network path can plant one over plain HTTP.
        let prefix = if is_secure { "__Secure-" } else { "" };
        Self { name: format!("{prefix}bailiwick-{}", home.to_lowercase()), is_secure }
    }

    /// The session that the browser presents. Two cookies of that name count as none: one of them was planted.
    pub(crate) fn session(&self, headers: &HeaderMap) -> Option<SessionToken> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut ours = all
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, value)| *name == self.name && !value.is_empty())
            .map(|(_, value)| value);
        let one = ours.next()?;
        if ours.next().is_some() { None } else { Some(SessionToken::new(one.into())) }
    }

    /// The header that gives the session to the browser (RFC 6265 section 4.1). Marked sensitive, so that nothing prints it.
    pub(crate) fn give(&self, token: &SessionToken) -> Option<HeaderValue> {
        self.set(token.expose(), SESSION_MILLIS / 1000)
    }

    /// The header that takes the session from the browser.
    pub(crate) fn take(&self) -> Option<HeaderValue> {
        self.set("", 0)
    }

    fn set(&self, value: &str, seconds: i64) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = &self.name;
        let text =
            Secret::new(format!("{name}={value}; Path=/account; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"));
        let mut value = HeaderValue::from_str(text.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut all = HeaderMap::new();
        for (name, value) in pairs {
            all.append(*name, HeaderValue::from_str(value).unwrap());
        }
        all
    }

    #[test]
    fn one_cookie_of_the_name_is_the_session() {
        let cookies = Cookies::new("IE", false);
        let found = |lines: &[&str]| {
            let pairs: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            cookies.session(&headers(&pairs)).map(|token| token.expose().to_owned())
        };
        for (lines, session) in [
            (&["bailiwick-ie=abc"][..], Some("abc")),
            (&["x=y; bailiwick-ie=abc; bailiwick-us=z"], Some("abc")),
            (&["bailiwick-ie=abc; bailiwick-ie=def"], None),
            (&["bailiwick-ie=abc", "bailiwick-ie=def"], None),
            (&["bailiwick-ie="], None),
            (&["bailiwick-us=abc; xbailiwick-ie=abc"], None),
            (&[], None),
        ] {
            assert_eq!(found(lines).as_deref(), session, "{lines:?}");
        }
    }

    #[test]
    fn the_cookie_is_for_this_site_and_no_script() {
        let token = SessionToken::new("abc".into());
        let plain = Cookies::new("IE", false).give(&token).unwrap();
        assert!(plain.is_sensitive());
        assert_eq!(plain, "bailiwick-ie=abc; Path=/account; Max-Age=43200; HttpOnly; SameSite=Strict");
        let secure = Cookies::new("US-NY", true);
        assert_eq!(
            secure.give(&token).unwrap(),
            "__Secure-bailiwick-us-ny=abc; Path=/account; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
        );
        assert!(
            secure
                .take()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("__Secure-bailiwick-us-ny=; Path=/account; Max-Age=0;")
        );
    }
}
