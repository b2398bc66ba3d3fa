//! Who is at the other end, as far as a request says: the network that guesses are counted under, and a name for the
//! browser.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, header};
use vault::Network;

/// The address that a request came from, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor(Option<IpAddr>);

impl Visitor {
    /// What the TLS proxy says, if there is one; otherwise unknown. The last address of X-Forwarded-For is the one that the
    /// proxy itself saw; those before it are the visitor's claims.
    pub(crate) fn of(headers: &HeaderMap, is_behind_proxy: bool) -> Self {
        let last = || {
            let line = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            let address = line.rsplit(',').next()?.trim();
            address.parse().ok()
        };
        Self(if is_behind_proxy { last() } else { None })
    }

    /// For a sign-in. If unknown: this machine, for which guesses are counted by account only, not by network.
    pub(crate) fn of_sign_in(self) -> Network {
        self.0.map_or(Network::HERE, Network::of)
    }

    /// For the password that a change requires. If unknown: a network of its own, since guesses from this machine are not
    /// counted at all there, and someone with a stolen session must not guess freely.
    pub(crate) fn of_proof(self) -> Network {
        match self.of_sign_in() {
            here if here.is_here() => Network::of(Ipv4Addr::UNSPECIFIED.into()),
            network => network,
        }
    }
}

/// A name for the session, made from the User-Agent header: browser and system, from a closed list. The full header could
/// single its owner out.
pub(crate) fn browser_name(headers: &HeaderMap) -> String {
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
    fn a_visitor_is_what_the_proxy_saw_last() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        let of = |pairs: &[(&'static str, &str)], proxy| Visitor::of(&headers(pairs), proxy).of_sign_in();
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7")], true), network("192.0.2.7"));
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7, 198.51.100.1")], true), network("198.51.100.1"));
        let two = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(of(&two, true), network("198.51.100.1"));
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7")], false), Network::HERE);
        assert_eq!(of(&[("x-forwarded-for", "192.0.2.7, nonsense")], true), Network::HERE);
        assert!(!Visitor(None).of_proof().is_here());
        assert!(!Visitor::of(&headers(&[("x-forwarded-for", "127.0.0.1")]), true).of_proof().is_here());
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
