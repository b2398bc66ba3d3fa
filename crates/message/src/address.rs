//! Address lists in headers (RFC 5322 sections 3.4 and 4.4), also as spammers and old mailers write them.
//!
//! Nothing is rejected: text that is not a valid address becomes one with an empty domain, so that readers see that
//! there was something. Encoded words are kept as they are.

use std::fmt;

/// An element of an address list. Groups are flattened, as in IMAP's envelope.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum AddressEntry {
    Mailbox(Mailbox),
    /// A group begins (RFC 5322 section 3.4 `display-name ":"`).
    GroupStart(Vec<u8>),
    GroupEnd,
}

/// A mailbox in an address list. `Debug` prints none of it (invariant 10).
#[derive(Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name without quotes, or else the comment next to the address.
    pub name: Option<Vec<u8>>,
    /// The source route of RFC 5322 section 4.4, `@a,@b`.
    pub route: Option<Vec<u8>>,
    /// The local part without quotes.
    pub local: Vec<u8>,
    /// The domain; empty if there is none.
    pub domain: Vec<u8>,
}

impl Mailbox {
    /// `local@domain`, or whatever there is of it.
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
    /// An atom, an encoded word or a domain literal, as written.
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

/// The maximum number of entries read from a list. Mailing lists address the list, not its members; a message with more
/// addresses than this in a field is meant to exhaust memory.
pub(crate) const ENTRIES_MAX: usize = 10_000;

/// Parses the first ten thousand entries of an unfolded address list. Takes time proportional to its length, whatever
/// its content.
pub fn parse_addresses(value: &[u8]) -> Vec<AddressEntry> {
    let mut list = List::default();
    let lexer = Lexer { rest: value, quotes_close: true };
    for token in lexer {
        if list.entries.len() >= ENTRIES_MAX {
            break;
        }
        list.take(token);
    }
    list.finish()
}

/// The parser's state.
#[derive(Default)]
struct List<'v> {
    entries: Vec<AddressEntry>,
    in_group: bool,
    /// The tokens of the current address outside its angle brackets.
    outside: Vec<Token<'v>>,
    /// Whether an `@` is among them.
    outside_has_at: bool,
    /// The tokens within the brackets, once there was one.
    inside: Option<Vec<Token<'v>>>,
    is_open: bool,
    /// Whether we are in a source route, where commas separate hosts.
    in_route: bool,
}

impl<'v> List<'v> {
    fn take(&mut self, token: Token<'v>) {
        match token {
            Token::Special(b'<') if self.inside.is_none() => {
                self.inside = Some(Vec::new());
                self.is_open = true;
            }
            Token::Special(b'<') => {}
            Token::Special(b'>') => self.is_open = false,
            Token::Special(b',') if self.is_open && self.in_route => self.push_inside(Token::Atom(b",")),
            Token::Special(end @ (b',' | b';')) => {
                self.end_address();
                if end == b';' && self.in_group {
                    self.entries.push(AddressEntry::GroupEnd);
                    self.in_group = false;
                }
            }
            Token::Special(b':') if !self.in_group && self.inside.is_none() && !self.outside_has_at => {
                let name = phrase(&self.outside);
                if name.is_empty() {
                    return;
                }
                self.entries.push(AddressEntry::GroupStart(name));
                self.outside.clear();
                self.in_group = true;
            }
            token if self.is_open => self.push_inside(token),
            // After the bracket only a comment matters.
            token if self.inside.is_none() || matches!(token, Token::Comment(_)) => {
                self.outside_has_at |= matches!(token, Token::Special(b'@'));
                self.outside.push(token);
            }
            _ => {}
        }
    }

    fn push_inside(&mut self, token: Token<'v>) {
        let inside = self.inside.get_or_insert_default();
        match token {
            Token::Special(b'@') if inside.is_empty() => self.in_route = true,
            Token::Special(b':') => self.in_route = false,
            _ => {}
        }
        inside.push(token);
    }

    fn end_address(&mut self) {
        let outside = std::mem::take(&mut self.outside);
        self.entries.extend(mailbox(&outside, self.inside.take()).map(AddressEntry::Mailbox));
        (self.outside_has_at, self.is_open, self.in_route) = (false, false, false);
    }

    fn finish(mut self) -> Vec<AddressEntry> {
        self.end_address();
        if self.in_group {
            self.entries.push(AddressEntry::GroupEnd);
        }
        self.entries
    }
}

/// The words of `tokens`, with one space wherever white space or a comment separates them.
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

/// An address without angle brackets. `Ann ann@x` has a name too, although the grammar does not allow it.
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
    // To the left of the `@`: one word, or several joined by dots (RFC 5322 section 4.4 `obs-local-part`).
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

/// The longest domain literal, in octets (RFC 5321 section 4.5.3.1.2), brackets included.
const LITERAL_LEN_MAX: usize = 257;

/// The longest encoded word that is kept whole, in octets. RFC 2047 section 2 allows 75; mailers exceed it.
const ENCODED_WORD_LEN_MAX: usize = 1_000;

struct Lexer<'v> {
    rest: &'v [u8],
    /// Whether a quoted string may still have an end: false once one had none.
    quotes_close: bool,
}

impl<'v> Iterator for Lexer<'v> {
    type Item = Token<'v>;

    fn next(&mut self) -> Option<Token<'v>> {
        let rest = self.rest;
        let (token, len) = match *rest.first()? {
            b' ' | b'\t' | b'\r' | b'\n' => (Token::Space, 1),
            b'"' => match self.quotes_close.then(|| quoted(rest)).flatten() {
                Some((text, len)) => (Token::Quoted(text), len),
                None => {
                    self.quotes_close = false;
                    (Token::Atom(&rest[..1]), 1)
                }
            },
            b'(' => {
                let (text, len) = comment(rest);
                (Token::Comment(text), len)
            }
            special @ (b'<' | b'>' | b',' | b';' | b':' | b'@') => (Token::Special(special), 1),
            b'[' => {
                // A domain literal, or a mailing list's tag in a name.
                let near = &rest[..rest.len().min(LITERAL_LEN_MAX)];
                let end = near.iter().position(|b| matches!(b, b']' | b'<' | b','));
                let len = end.filter(|end| near[*end] == b']').map_or(1, |end| end + 1);
                (Token::Atom(&rest[..len]), len)
            }
            _ => {
                let len = encoded_word_len(rest).unwrap_or_else(|| atom_len(rest));
                (Token::Atom(&rest[..len]), len)
            }
        };
        self.rest = &rest[len..];
        Some(token)
    }
}

fn atom_len(rest: &[u8]) -> usize {
    let ends = |b: &u8| {
        matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'(' | b'<' | b'>' | b',' | b';' | b':' | b'@' | b'[')
    };
    rest.iter().skip(1).position(ends).map_or(rest.len(), |len| len + 1)
}

/// `=?charset?B?text?=`: some mailers leave commas and at signs in the text.
fn encoded_word_len(rest: &[u8]) -> Option<usize> {
    let inner = rest.strip_prefix(b"=?")?;
    let inner = &inner[..inner.len().min(ENCODED_WORD_LEN_MAX)];
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

/// A quoted string from its opening quote; `None` if it is not terminated.
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

/// A comment from its opening parenthesis, with nested ones as part of its text; it may be unterminated.
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
