//! Enough of Markdown to find links, headings and code, so that a dead link or name in a document is found.

/// A piece of inline code or of a link, with its line from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// A block of code between fences.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) lines: Vec<Piece<'a>>,
}

/// The lines outside fenced code, and the fenced blocks.
fn split(text: &str) -> (Vec<Piece<'_>>, Vec<Block<'_>>) {
    let (mut prose, mut blocks) = (Vec::new(), Vec::new());
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (piece, bare) = (Piece { text: line, line: at + 1 }, line.trim_start());
        match fence {
            Some(mark) if bare.starts_with(mark) => {
                fence = None;
                blocks.push(Block { lines: std::mem::take(&mut lines) });
            }
            Some(_) => lines.push(piece),
            None if bare.starts_with("```") => fence = Some("```"),
            None if bare.starts_with("~~~") => fence = Some("~~~"),
            None => prose.push(piece),
        }
    }
    (prose, blocks)
}

/// The fenced blocks, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    split(text).1
}

/// The targets of `[text](target)` and of `[label]: target`.
pub(crate) fn links(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    for line in split(text).0 {
        for (code, part) in line.text.split('`').enumerate().map(|(at, part)| (at % 2 == 1, part)) {
            if code {
                continue;
            }
            for (_, after) in part.match_indices("](").map(|(at, mark)| part.split_at(at + mark.len())) {
                if let Some((target, _)) = after.split_once(')') {
                    found.push(Piece { text: bare_target(target), line: line.line });
                }
            }
        }
        if let Some((label, target)) = line.text.split_once("]: ")
            && label.starts_with('[')
        {
            found.push(Piece { text: bare_target(target), line: line.line });
        }
    }
    found
}

/// A target without a title and angle brackets.
fn bare_target(target: &str) -> &str {
    target.split_whitespace().next().unwrap_or_default().trim_start_matches('<').trim_end_matches('>')
}

/// Inline code, outside fenced blocks.
pub(crate) fn inline_code(text: &str) -> Vec<Piece<'_>> {
    let (prose, _) = split(text);
    let mut found = Vec::new();
    for line in prose {
        let parts: Vec<&str> = line.text.split('`').collect();
        // An odd number of back quotes leaves the last part open: it is prose.
        for (at, part) in parts.iter().enumerate().take(parts.len().saturating_sub(1)) {
            if at % 2 == 1 && !part.is_empty() {
                found.push(Piece { text: part, line: line.line });
            }
        }
    }
    found
}

/// The anchors that headings make, as the usual forges write them.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in split(text).0 {
        let level = line.text.bytes().take_while(|byte| *byte == b'#').count();
        if level == 0 || level > 6 || !line.text[level..].starts_with(' ') {
            continue;
        }
        let slug: String = line.text[level..]
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                '-' | '_' => Some(c),
                c if c.is_alphanumeric() => Some(c),
                _ => None,
            })
            .collect();
        let twins = found.iter().filter(|anchor| **anchor == slug || anchor.starts_with(&format!("{slug}-"))).count();
        let taken = found.contains(&slug);
        found.push(if taken { format!("{slug}-{twins}") } else { slug });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_headings_and_code() {
        let text =
            "# One, two\n\nSee [a](b.md#c \"t\") and `x](y)` and [`k`](m.md).\n\n```sh\n[no](where)\n```\n[l]: n.md\n";
        let targets: Vec<&str> = links(text).iter().map(|piece| piece.text).collect();
        assert_eq!(targets, ["b.md#c", "m.md", "n.md"]);
        assert_eq!(anchors(text), ["one-two"]);
        let code: Vec<&str> = inline_code(text).iter().map(|piece| piece.text).collect();
        assert_eq!(code, ["x](y)", "k"]);
        assert_eq!(blocks(text)[0].lines[0].text, "[no](where)");
    }
}
