//! What is known of a visit before any secret is tried: the session's cookie, the form's token, from where it comes and
//! whether another site sent it.

use std::net::{IpAddr, Ipv4Addr};

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};
use data_encoding::BASE64URL_NOPAD;
use terms::Secret;
use vault::{Network, SessionToken};

/// How long a session of the pages lasts, in milliseconds: 12 hours. A day at a desk; whoever leaves a browser open in the
/// evening is signed out in the morning. The vault allows 30 days.
pub(super) const SESSION_MILLIS: i64 = 12 * 3_600_000;

/// What the form's token is a hash of, under the session's token.
const FORM: &[u8] = b"bailiwick/form/v1";

/// How cookies are named and guarded at this door.
#[derive(Debug, Clone)]
pub(super) struct Cookies {
    /// The session's cookie. It has the home in it: a browser gives the cookies of one host to every port of it, and several
    /// nodes can stand on one machine.
    name: String,
    /// Whether browsers reach this door by TLS only.
    is_secure: bool,
}

impl Cookies {
    pub(super) fn new(home: &str, is_secure: bool) -> Self {
        // draft-ietf-httpbis-rfc6265bis section 4.1.3.1: a browser takes a `__Secure-` cookie over TLS only, so that nobody
        // on the way plants one by plain HTTP.
        let prefix = if is_secure { "__Secure-" } else { "" };
        Self { name: format!("{prefix}bailiwick-{}", home.to_lowercase()), is_secure }
    }

    /// The session that the browser says it has. Two cookies of the name are none: one of them is somebody else's.
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<SessionToken> {
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
    pub(super) fn give(&self, token: &SessionToken) -> Option<HeaderValue> {
        self.set(token.expose(), SESSION_MILLIS / 1000)
    }

    /// The header that takes the session from the browser.
    pub(super) fn take(&self) -> Option<HeaderValue> {
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

fn form_key(token: &SessionToken) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes())
}

/// The token of every form of a session. Who cannot read the session's page cannot make it.
pub(super) fn form_token(token: &SessionToken) -> String {
    BASE64URL_NOPAD.encode(hmac::sign(&form_key(token), FORM).as_ref())
}

/// Whether a form is of this session; in constant time.
pub(super) fn is_form_of(token: &SessionToken, sent: &str) -> bool {
    BASE64URL_NOPAD.decode(sent.as_bytes()).is_ok_and(|sent| hmac::verify(&form_key(token), FORM, &sent).is_ok())
}

/// Whether the browser says that a page of this door sent the form. Every browser that knows SameSite also says so
/// (Fetch Metadata, or `Origin` of RFC 6454 section 7); a program that is no browser says nothing, and carries nobody's
/// cookie either. It is what keeps another site from signing somebody in to an account of its own, where no cookie is yet.
pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
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

/// From where somebody visits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin(Option<IpAddr>);

impl Origin {
    /// What the proxy says, when one stands before the door; else nobody knows. The last address of X-Forwarded-For is the
    /// one that the proxy itself saw; those before it are the visitor's own words.
    pub(super) fn of(headers: &HeaderMap, is_behind_proxy: bool) -> Self {
        let last = || {
            let line = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            let address = line.rsplit(',').next()?.trim();
            address.parse().ok()
        };
        Self(if is_behind_proxy { last() } else { None })
    }

    /// For a sign-in. Not known: this machine, of which no network is counted, only the account.
    pub(super) fn of_sign_in(self) -> Network {
        self.0.map_or(Network::HERE, Network::of)
    }

    /// For the password before a change. Not known: a network of its own, since guesses from this machine are not counted
    /// at all there, and whoever stole a session must not guess freely.
    pub(super) fn of_proof(self) -> Network {
        match self.of_sign_in() {
            here if here.is_here() => Network::of(Ipv4Addr::UNSPECIFIED.into()),
            network => network,
        }
    }
}

/// A name for the session from what the browser calls itself: the browser and the system, of a closed list. What a browser
/// says of itself in full could single its owner out.
pub(super) fn browser_name(headers: &HeaderMap) -> String {
    let said = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| *name);
    // The order matters: Edge and Opera say Chrome too, and Chrome says Safari.
    let browser = first(&[
        ("Firefox/", "Firefox"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Chrom", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "a Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("a browser on {system}"),
        (None, None) => "a browser".to_owned(),
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
            assert_eq!(is_from_here(&headers(pairs)), from_here, "{pairs:?}");
        }
    }

    #[test]
    fn a_visitor_is_what_the_proxy_saw_last() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        let of = |pairs: &[(&'static str, &str)], proxy| Origin::of(&headers(pairs), proxy).of_sign_in();
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7")], true), network("192.0.2.7"));
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7, 198.51.100.1")], true), network("198.51.100.1"));
        let two = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(of(&two, true), network("198.51.100.1"));
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7")], false), Network::HERE);
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7, nonsense")], true), Network::HERE);
        assert!(!Origin(None).of_proof().is_here());
        assert!(!Origin::of(&headers(&[("x-forwarded-for", "127.0.0.1")]), true).of_proof().is_here());
    }

    #[test]
    fn a_browser_is_named_from_a_closed_list() {
        for (said, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            ("<script>alert(1)</script>", "a browser"),
            ("", "a browser"),
        ] {
            assert_eq!(browser_name(&headers(&[("user-agent", said)])), name);
        }
    }
}
