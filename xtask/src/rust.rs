//! Enough of Rust's lexical grammar to tell code, comments and string literals apart, and tests from the program.
//!
//! A rule that greps lines sees a citation in a comment as one in a string. This reads tokens instead. It is not
//! a parser: a file that it misreads is a file that rustc refuses.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Word,
    /// A string literal of any form, with its quotes.
    Text,
    /// A comment, documentation or not.
    Comment,
    /// One character of punctuation.
    Mark,
    /// A number, a character literal or a lifetime.
    Other,
}

/// A token of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// Whether it stands in an item under `#[cfg(test)]`.
    pub(crate) in_test: bool,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Mark) && self.text == text
    }
}

/// The tokens of a file, white space left out.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next(rest, first);
        let (text, after) = rest.split_at(length.min(rest.len()));
        if let Some(kind) = kind {
            tokens.push(Token { kind, text, line, in_test: false });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    mark_tests(&mut tokens);
    tokens
}

/// The kind of the token that `rest` begins with (`None`: white space) and its length in bytes.
fn next(rest: &str, first: char) -> (Option<Kind>, usize) {
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if rest.starts_with("//") {
        return (Some(Kind::Comment), rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Some(Kind::Comment), block_comment_len(rest));
    }
    if let Some(length) = text_len(rest) {
        return (Some(Kind::Text), length);
    }
    if first == '\'' {
        return (Some(Kind::Other), quote_len(rest));
    }
    if rest.starts_with("b'") {
        return (Some(Kind::Other), 1 + quote_len(&rest[1..]));
    }
    if first.is_alphabetic() || first == '_' {
        return (Some(Kind::Word), word_len(rest));
    }
    if first.is_ascii_digit() {
        return (Some(Kind::Other), word_len(rest));
    }
    (Some(Kind::Mark), first.len_utf8())
}

fn word_len(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment_len(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of the string literal that `rest` begins with: `"…"`, `b"…"`, `c"…"`, `r#"…"#` and their mixtures.
fn text_len(rest: &str) -> Option<usize> {
    let prefix = rest.bytes().take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
    if prefix > 2 {
        return None;
    }
    let raw = rest[..prefix].contains('r');
    let hashes = if raw { rest[prefix..].bytes().take_while(|byte| *byte == b'#').count() } else { 0 };
    let start = prefix + hashes;
    if rest.as_bytes().get(start) != Some(&b'"') {
        return None;
    }
    let body = &rest[start + 1..];
    if raw {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(body.find(&end).map_or(rest.len(), |at| start + 1 + at + end.len()));
    }
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(start + 1 + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// The length of what a single quote begins: a character literal, or a lifetime.
fn quote_len(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            // The escaped character may be a quote; the literal ends at the quote after it.
            let after = chars.nth(1).map_or(rest.len(), |(at, _)| at);
            rest[after..].find('\'').map_or(rest.len(), |at| after + at + 1)
        }
        Some((_, _)) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1 + word_len(&rest[1..]),
        },
        None => rest.len(),
    }
}

/// Marks the items that `#[cfg(test)]` and the like keep out of the program.
fn mark_tests(tokens: &mut [Token<'_>]) {
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = attribute_end(tokens, at) else {
            at += 1;
            continue;
        };
        let attribute = &tokens[at..end];
        let is_cfg = attribute.iter().any(|token| token.is("cfg"));
        let of_test = attribute.iter().any(|token| token.is("test")) && !attribute.iter().any(|token| token.is("not"));
        if is_cfg && of_test {
            let item_end = item_end(tokens, end);
            tokens[at..item_end].iter_mut().for_each(|token| token.in_test = true);
            at = item_end;
        } else {
            at = end;
        }
    }
}

/// If an outer attribute begins at `at`, where it ends.
fn attribute_end(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    (tokens.get(at)?.is("#") && tokens.get(at + 1)?.is("[")).then(|| closing(tokens, at + 1))
}

/// Where the item that begins at `at` ends: after its braces, or after its semicolon.
pub(crate) fn item_end(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(end) = attribute_end(tokens, at) {
        at = end;
    }
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is(";") {
            return at + 1;
        }
        if token.is("{") {
            return closing(tokens, at);
        }
        at = if token.is("(") || token.is("[") { closing(tokens, at) } else { at + 1 };
    }
    at
}

/// The place after the bracket that closes the one at `at`.
pub(crate) fn closing(tokens: &[Token<'_>], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        if token.is("{") || token.is("(") || token.is("[") {
            depth += 1;
        } else if token.is("}") || token.is(")") || token.is("]") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + offset + 1;
            }
        }
    }
    tokens.len()
}

/// A path in the code, such as `std::fs::read`, with the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Whether it calls a macro.
    pub(crate) bang: bool,
}

/// Every path in the program's part of the tokens: written out, or taken from `use a::{b, c::d}`.
pub(crate) fn spoken_paths(tokens: &[Token<'_>]) -> Vec<Spoken> {
    let code: Vec<Token<'_>> = tokens
        .iter()
        .copied()
        .filter(|token| !token.in_test && !matches!(token.kind, Kind::Comment | Kind::Text))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        at = if code[at].kind == Kind::Word { spread(&code, at, &[], &mut found) } else { at + 1 };
    }
    found
}

/// Reads one path (or tree of paths) that begins at `at`; returns the place after it.
fn spread(code: &[Token<'_>], mut at: usize, before: &[String], found: &mut Vec<Spoken>) -> usize {
    let mut segments = before.to_vec();
    let line = code.get(at).map_or(0, |token| token.line);
    loop {
        match code.get(at) {
            Some(token) if token.kind == Kind::Word => segments.push(token.text.to_owned()),
            Some(token) if token.is("*") && !segments.is_empty() => {}
            Some(token) if token.is("{") && !segments.is_empty() => {
                let end = closing(code, at);
                at += 1;
                while at + 1 < end {
                    at = if code[at].kind == Kind::Word { spread(code, at, &segments, found) } else { at + 1 };
                }
                return end;
            }
            _ => break,
        }
        at += 1;
        let colons = code.get(at).is_some_and(|token| token.is(":")) && code.get(at + 1).is_some_and(|t| t.is(":"));
        if !colons {
            break;
        }
        at += 2;
    }
    let bang = code.get(at).is_some_and(|token| token.is("!")) && !code.get(at + 1).is_some_and(|t| t.is("="));
    found.push(Spoken { segments, line, bang });
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, kinds: &[(Kind, &str)]) {
        let found: Vec<(Kind, &str)> = tokens(source).iter().map(|token| (token.kind, token.text)).collect();
        assert_eq!(found, kinds, "{source}");
    }

    #[test]
    fn tells_code_comments_and_texts_apart() {
        check("a // b\nc", &[(Kind::Word, "a"), (Kind::Comment, "// b"), (Kind::Word, "c")]);
        check("/* a /* b */ c */ d", &[(Kind::Comment, "/* a /* b */ c */"), (Kind::Word, "d")]);
        check(r#""a // \" b" c"#, &[(Kind::Text, r#""a // \" b""#), (Kind::Word, "c")]);
        check("r#\"a\"b\"#", &[(Kind::Text, "r#\"a\"b\"#")]);
        check("br\"\\\" x", &[(Kind::Text, "br\"\\\""), (Kind::Word, "x")]);
        check(
            "'\"' b'\\'' 'a x",
            &[(Kind::Other, "'\"'"), (Kind::Other, "b'\\''"), (Kind::Other, "'a"), (Kind::Word, "x")],
        );
        check("'§' '\\u{1f}'", &[(Kind::Other, "'§'"), (Kind::Other, "'\\u{1f}'")]);
        check("crab rb", &[(Kind::Word, "crab"), (Kind::Word, "rb")]);
    }

    #[test]
    fn knows_what_is_compiled_for_tests_only() {
        let source =
            "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() {} }\nfn c() {}\n#[cfg(not(test))]\nfn d() {}";
        let program: Vec<&str> = tokens(source)
            .into_iter()
            .filter(|token| !token.in_test && token.kind == Kind::Word && token.text.len() == 1)
            .map(|token| token.text)
            .collect();
        assert_eq!(program, ["a", "c", "d"]);
    }

    #[test]
    fn spreads_paths_out() {
        let source = "use std::{fs::{self, File}, net::TcpStream}; fn f(a: u8) { std::env::args(); }";
        let paths: Vec<String> =
            spoken_paths(&tokens(source)).into_iter().map(|path| path.segments.join("::")).collect();
        for path in ["std::fs::self", "std::fs::File", "std::net::TcpStream", "std::env::args"] {
            assert!(paths.iter().any(|found| found == path), "{path} in {paths:?}");
        }
    }
}
