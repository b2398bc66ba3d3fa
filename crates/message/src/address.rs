//! Address lists as headers have them (RFC 5322 sections 3.4 and 4.4), and as spammers and old mailers write them.
//!
//! Nothing is refused: what cannot be an address becomes one with an empty domain, so that a reader sees that something
//! stood there. Encoded words are kept as they are.

use std::fmt;

/// One step through an address list. Groups are flat, as in IMAP's envelope.
#[derive(Clone, PartialEq, Eq)]
pub enum AddressEntry {
    /// A mailbox.
    Mailbox(Mailbox),
    /// A group begins (RFC 5322 section 3.4 `display-name ":"`).
    GroupStart(Vec<u8>),
    /// The group ends.
    GroupEnd,
}

/// A mailbox of an address list. `Debug` prints no part of it (invariant 10).
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name with quotes taken off, or else the comment beside the address.
    pub name: Option<Vec<u8>>,
    /// The source route of RFC 5322 section 4.4, `@a,@b`.
    pub route: Option<Vec<u8>>,
    /// The local part, quotes taken off.
    pub local: Vec<u8>,
    /// The domain; empty when none was written.
    pub domain: Vec<u8>,
}

impl Mailbox {
    /// `local@domain`, or what there is of it.
    pub fn address(&self) -> String {
        let mut out = String::from_utf8_lossy(&self.local).into_owned();
        if !self.domain.is_empty() {
            out.push('@');
            out.push_str(&String::from_utf8_lossy(&self.domain));
        }
        out
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(…)")
    }
}

impl fmt::Debug for AddressEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mailbox(_) => "Mailbox(…)",
            Self::GroupStart(_) => "GroupStart(…)",
            Self::GroupEnd => "GroupEnd",
        })
    }
}

#[derive(Debug)]
enum Token<'v> {
    /// White space.
    Space,
    /// An atom, an encoded word or a domain literal: taken as written.
    Atom(&'v [u8]),
    /// The inside of a quoted string, unescaped.
    Quoted(Vec<u8>),
    /// The inside of a comment, unescaped.
    Comment(Vec<u8>),
    /// One of `< > , ; : @`.
    Special(u8),
}

impl Token<'_> {
    fn word(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(text) => Some(text),
            Self::Quoted(text) => Some(text),
            Self::Special(b'@') => Some(b"@"),
            Self::Special(b':') => Some(b":"),
            _ => None,
        }
    }
}

/// Reads the entries of an unfolded address list.
pub fn parse_addresses(value: &[u8]) -> Vec<AddressEntry> {
    let mut out = Vec::new();
    let mut in_group = false;
    // Tokens before an angle bracket, and those within.
    let mut outside: Vec<Token<'_>> = Vec::new();
    let mut inside: Option<Vec<Token<'_>>> = None;
    let mut angle_open = false;
    for token in tokens(value) {
        match token {
            Token::Special(b'<') if inside.is_none() => {
                inside = Some(Vec::new());
                angle_open = true;
            }
            Token::Special(b'<') => {}
            Token::Special(b'>') => angle_open = false,
            Token::Special(b',') if angle_open && is_route(inside.as_deref()) => {
                inside.get_or_insert_default().push(Token::Atom(b","));
            }
            Token::Special(end @ (b',' | b';')) => {
                out.extend(mailbox(&std::mem::take(&mut outside), inside.take()).map(AddressEntry::Mailbox));
                angle_open = false;
                if end == b';' && in_group {
                    out.push(AddressEntry::GroupEnd);
                    in_group = false;
                }
            }
            Token::Special(b':') if !in_group && inside.is_none() && is_group_name(&outside) => {
                out.push(AddressEntry::GroupStart(phrase(&outside)));
                outside.clear();
                in_group = true;
            }
            token if angle_open => inside.get_or_insert_default().push(token),
            // After the bracket only a comment means anything.
            token if inside.is_none() || matches!(token, Token::Comment(_)) => outside.push(token),
            _ => {}
        }
    }
    out.extend(mailbox(&outside, inside).map(AddressEntry::Mailbox));
    if in_group {
        out.push(AddressEntry::GroupEnd);
    }
    out
}

fn is_route(inside: Option<&[Token<'_>]>) -> bool {
    let inside = inside.unwrap_or_default();
    matches!(inside.first(), Some(Token::Special(b'@'))) && !inside.iter().any(|t| matches!(t, Token::Special(b':')))
}

fn is_group_name(tokens: &[Token<'_>]) -> bool {
    !phrase(tokens).is_empty() && !tokens.iter().any(|token| matches!(token, Token::Special(b'@')))
}

/// The words of `tokens`, with one space wherever there was white space or a comment between them.
fn phrase(tokens: &[Token<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut gap = false;
    for token in tokens {
        match token.word() {
            Some(word) => {
                if gap && !out.is_empty() {
                    out.push(b' ');
                }
                out.extend_from_slice(word);
                gap = false;
            }
            None => gap = true,
        }
    }
    out
}

/// The words of `tokens` without anything between them.
fn joined(tokens: &[Token<'_>]) -> Vec<u8> {
    tokens.iter().filter_map(Token::word).flatten().copied().collect()
}

fn last_comment(tokens: &[Token<'_>]) -> Option<Vec<u8>> {
    tokens.iter().rev().find_map(|token| match token {
        Token::Comment(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    })
}

fn last_at(tokens: &[Token<'_>]) -> Option<usize> {
    tokens.iter().rposition(|token| matches!(token, Token::Special(b'@')))
}

fn mailbox(outside: &[Token<'_>], inside: Option<Vec<Token<'_>>>) -> Option<Mailbox> {
    let Some(inside) = inside else { return bare(outside) };
    let name = Some(phrase(outside)).filter(|name| !name.is_empty()).or_else(|| last_comment(outside));
    let (route, spec) = match inside.iter().position(|token| matches!(token, Token::Special(b':'))) {
        Some(colon) if matches!(inside.first(), Some(Token::Special(b'@'))) => {
            (Some(joined(&inside[..colon])), &inside[colon + 1..])
        }
        _ => (None, &inside[..]),
    };
    let (local, domain) = match last_at(spec) {
        Some(at) => (joined(&spec[..at]), joined(&spec[at + 1..])),
        None => (joined(spec), Vec::new()),
    };
    Some(Mailbox { name, route, local, domain })
}

/// An address without angle brackets. `Ann ann@x` has a name too, though the grammar knows no such thing.
fn bare(tokens: &[Token<'_>]) -> Option<Mailbox> {
    if !tokens.iter().any(|token| token.word().is_some()) {
        return None;
    }
    let comment = last_comment(tokens);
    let Some(at) = last_at(tokens) else {
        return Some(Mailbox { name: comment, route: None, local: phrase(tokens), domain: Vec::new() });
    };
    let is_gap = |token: &Token<'_>| matches!(token, Token::Space | Token::Comment(_));
    let is_dotted = |token: Option<&Token<'_>>, end: fn(&[u8]) -> Option<&u8>| {
        token.and_then(Token::word).and_then(end).is_some_and(|byte| *byte == b'.')
    };
    // Leftwards from the `@`: one word, and more words where a dot joins them (RFC 5322 section 4.4 `obs-local-part`).
    let mut start = at;
    while start > 0 && is_gap(&tokens[start - 1]) {
        start -= 1;
    }
    while start > 0 {
        if !is_gap(&tokens[start - 1]) {
            start -= 1;
            continue;
        }
        let before = tokens[..start].iter().rposition(|token| !is_gap(token));
        match before {
            Some(before)
                if is_dotted(tokens.get(start), |word| word.first())
                    || is_dotted(tokens.get(before), |word| word.last()) =>
            {
                start = before;
            }
            _ => break,
        }
    }
    let mut end = at + 1;
    while end < tokens.len() && is_gap(&tokens[end]) {
        end += 1;
    }
    while end < tokens.len() {
        if !is_gap(&tokens[end]) {
            end += 1;
            continue;
        }
        let after = tokens[end..].iter().position(|token| !is_gap(token)).map(|offset| end + offset);
        match after {
            Some(after)
                if is_dotted(tokens.get(after), |word| word.first())
                    || is_dotted(tokens.get(end - 1), |word| word.last()) =>
            {
                end = after;
            }
            _ => break,
        }
    }
    let name = Some(phrase(&tokens[..start])).filter(|name| !name.is_empty()).or(comment);
    Some(Mailbox { name, route: None, local: joined(&tokens[start..at]), domain: joined(&tokens[at + 1..end]) })
}

fn tokens(value: &[u8]) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let rest = &value[at..];
        let (token, len) = match rest[0] {
            b' ' | b'\t' | b'\r' | b'\n' => (Token::Space, 1),
            b'"' => match quoted(rest) {
                Some((text, len)) => (Token::Quoted(text), len),
                None => (Token::Atom(&rest[..1]), 1),
            },
            b'(' => {
                let (text, len) = comment(rest);
                (Token::Comment(text), len)
            }
            special @ (b'<' | b'>' | b',' | b';' | b':' | b'@') => (Token::Special(special), 1),
            b'[' => {
                // A domain literal, or the mark of a mailing list in a name.
                let len = rest.iter().position(|b| matches!(b, b']' | b'<' | b',')).unwrap_or(0);
                let len = if rest.get(len) == Some(&b']') { len + 1 } else { 1 };
                (Token::Atom(&rest[..len]), len)
            }
            _ => {
                let len = encoded_word_len(rest).unwrap_or_else(|| atom_len(rest));
                (Token::Atom(&rest[..len]), len)
            }
        };
        out.push(token);
        at += len;
    }
    out
}

fn atom_len(rest: &[u8]) -> usize {
    let ends = |b: &u8| {
        matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'(' | b'<' | b'>' | b',' | b';' | b':' | b'@' | b'[')
    };
    rest.iter().skip(1).position(ends).map_or(rest.len(), |len| len + 1)
}

/// `=?charset?B?text?=`: some mailers leave commas and at-signs in the text.
fn encoded_word_len(rest: &[u8]) -> Option<usize> {
    let inner = rest.strip_prefix(b"=?")?;
    let word_len = inner.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(inner.len());
    let word = &inner[..word_len];
    let charset = word.iter().position(|b| *b == b'?')?;
    if !matches!(word.get(charset + 1..charset + 3), Some([b'b' | b'B' | b'q' | b'Q', b'?'])) {
        return None;
    }
    let text = charset + 3;
    let end = word[text..].windows(2).position(|pair| pair == b"?=")?;
    Some(2 + text + end + 2)
}

/// A quoted string from its opening quote; `None` when it never closes.
fn quoted(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut text = Vec::new();
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'"' => return Some((text, at + 1)),
            b'\\' if at + 1 < rest.len() => {
                text.push(rest[at + 1]);
                at += 1;
            }
            byte => text.push(byte),
        }
        at += 1;
    }
    None
}

/// A comment from its opening parenthesis, nested ones as text of the outer; it may end with the value.
fn comment(rest: &[u8]) -> (Vec<u8>, usize) {
    let mut text = Vec::new();
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        let byte = rest[at];
        at += 1;
        match byte {
            b'(' => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            b')' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            b'\\' if at < rest.len() => {
                text.push(rest[at]);
                at += 1;
                continue;
            }
            _ => {}
        }
        text.push(byte);
    }
    (text.trim_ascii().to_vec(), at)
}
