//! `Reverse-path` and `Forward-path` (RFC 5321 section 4.1.2) and the parameters after them (section 4.1.1.11).

use terms::Address;

use crate::envelope::Recipient;
use crate::limits::PATH_BYTES_MAX;
use crate::reply::{self, Reply};

/// `Reverse-path = Path / "<>"`; `None` is `<>`. Also returns what follows it.
pub(crate) fn reverse_path(text: &str) -> Result<(Option<Address>, &str), Reply> {
    const WRONG: Reply = Reply::new(553, "5.1.7", "Bad sender address syntax");
    let (inner, rest) = brackets(text).ok_or(WRONG)?;
    if inner.is_empty() {
        return Ok((None, rest));
    }
    let address = mailbox(inner).ok_or(WRONG)?;
    Ok((Some(address), rest))
}

/// `Forward-path`, with `"<Postmaster>"` (section 4.1.1.3). Also returns what follows it.
pub(crate) fn forward_path(text: &str) -> Result<(Recipient, &str), Reply> {
    const WRONG: Reply = Reply::new(553, "5.1.3", "Bad recipient address syntax");
    let (inner, rest) = brackets(text).ok_or(WRONG)?;
    if inner.eq_ignore_ascii_case("postmaster") {
        return Ok((Recipient::Postmaster, rest));
    }
    let address = mailbox(inner).ok_or(WRONG)?;
    Ok((Recipient::Mailbox(address), rest))
}

/// What is between `<` and its `>`, and what follows. A `>` inside a quoted string does not count. A space before `<`
/// is not in the grammar, but common; Postfix and Exim accept it.
fn brackets(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    let inner = text.strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = inner.bytes().position(|b| {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return true,
            _ => {}
        }
        false
    })?;
    // The limit includes both brackets (section 4.5.3.1.3).
    if end + 2 > PATH_BYTES_MAX {
        return None;
    }
    let rest = &inner[end + 1..];
    (rest.is_empty() || rest.starts_with(' ')).then(|| (&inner[..end], rest))
}

/// `[ A-d-l ":" ] Mailbox`. A source route is parsed and ignored (section 4.1.1.3, appendix C).
fn mailbox(inner: &str) -> Option<Address> {
    let inner = if inner.starts_with('@') {
        let (route, mailbox) = inner.split_once(':')?;
        let known =
            route.split(',').all(|hop| hop.strip_prefix('@').is_some_and(|d| d.parse::<terms::Domain>().is_ok()));
        known.then_some(mailbox)?
    } else {
        inner
    };
    inner.parse().ok()
}

/// `Mail-parameters` and `Rcpt-parameters`: calls `take(keyword in upper case, value)` for each.
pub(crate) fn parameters(
    rest: &str,
    mut take: impl FnMut(&str, Option<&str>) -> Result<(), Reply>,
) -> Result<(), Reply> {
    let mut seen: Vec<String> = Vec::new();
    for word in rest.split(' ').filter(|word| !word.is_empty()) {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let fine = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && value.is_none_or(|value| !value.is_empty() && !value.contains('='));
        let keyword = keyword.to_ascii_uppercase();
        if !fine || seen.contains(&keyword) {
            return Err(reply::PARAMETER);
        }
        take(&keyword, value)?;
        seen.push(keyword);
    }
    Ok(())
}

/// Whether an address needs SMTPUTF8 (RFC 6531 section 3.3).
pub(crate) fn needs_utf8(address: &Address) -> bool {
    !address.local().is_ascii() || !address.domain().as_str().is_ascii()
}

/// RFC 6531 section 3.5: the reply to such an address in a transaction without SMTPUTF8.
pub(crate) const NEEDS_UTF8: Reply = Reply::new(553, "5.6.7", "Non-ASCII address requires SMTPUTF8");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        // (what follows the colon, the address or `<>`, what is left)
        for (text, address, left) in [
            ("<>", "<>", ""),
            ("<a@b.example>", "a@b.example", ""),
            (" <a@b.example> SIZE=1", "a@b.example", " SIZE=1"),
            ("<@x.example,@y.example:a@b.example>", "a@b.example", ""),
            ("<\"a>b\"@b.example>", "\"a>b\"@b.example", ""),
            ("<\"a\\\"> b\"@b.example> X", "\"a\\\"> b\"@b.example", " X"),
            ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""),
            ("<a@[IPv6:2001:db8::1]>", "a@[ipv6:2001:db8::1]", ""),
        ] {
            let (path, rest) = reverse_path(text).unwrap();
            assert_eq!(path.map_or("<>".to_owned(), |a| a.to_string()), address, "{text}");
            assert_eq!(rest, left, "{text}");
        }
        for bad in [
            "",
            "a@b",
            "<a@b",
            "a@b>",
            "<<a@b>>",
            "<a>",
            "<a@b>x",
            "<@x:a>",
            "<@:a@b>",
            "<@x a@b>",
            "<a b@c>",
            "<\"a@b>",
            "<Postmaster>",
        ] {
            assert!(reverse_path(bad).is_err(), "{bad}");
        }
        assert!(reverse_path(&format!("<a@{}>", "b.".repeat(126))).is_err());
    }

    #[test]
    fn postmaster_needs_no_domain() {
        for text in ["<Postmaster>", "<postmaster>", "<POSTMASTER>"] {
            assert_eq!(forward_path(text).unwrap().0, Recipient::Postmaster);
        }
        assert!(forward_path("<>").is_err());
        assert!(matches!(forward_path("<postmaster@b>").unwrap().0, Recipient::Mailbox(_)));
    }

    #[test]
    fn parameters_are_strict() {
        let count = |text: &str| {
            let mut found = Vec::new();
            parameters(text, |k, v| {
                found.push(format!("{k}={}", v.unwrap_or("-")));
                Ok(())
            })
            .map(|()| found.join(" "))
            .ok()
        };
        assert_eq!(count(" size=1 SMTPUTF8").as_deref(), Some("SIZE=1 SMTPUTF8=-"));
        for bad in [" =1", " a=", " a=b=c", " a a", " A=1 a=2", " -a"] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }
}
