//! ENVELOPE in wire format (RFC 9051 section 7.5.2). It is made once, at delivery, and read many times.

use crate::address::{AddressEntry, ENTRIES_MAX, parse_addresses};
use crate::header::{fields, first, header_len, unfolded};
use crate::wire;

/// The ENVELOPE of a view: `("date" "subject" from sender reply-to to cc bcc "in-reply-to" "message-id")`.
///
/// Absent fields are NIL, empty ones are empty strings. Sender and Reply-To default to From if they are absent or
/// contain no address. An address without a domain has an empty host, since a NIL one would begin or end a group.
pub fn envelope_wire(view: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    of_header(&view[..header_len(view)], &mut out);
    out
}

/// The same for a header block, appended to `out`.
pub(crate) fn of_header(header: &[u8], out: &mut Vec<u8>) {
    out.push(b'(');
    wire::nstring(out, first(header, "Date"));
    out.push(b' ');
    wire::nstring(out, first(header, "Subject"));
    let from = addresses(header, "From");
    for name in ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"] {
        out.push(b' ');
        let mut list = if name == "From" { Vec::new() } else { addresses(header, name) };
        if list.is_empty() && matches!(name, "From" | "Sender" | "Reply-To") {
            list.clone_from(&from);
        }
        write_list(&list, out);
    }
    out.push(b' ');
    wire::nstring(out, first(header, "In-Reply-To"));
    out.push(b' ');
    wire::nstring(out, first(header, "Message-ID"));
    out.push(b')');
}

/// Octets of one address list in an ENVELOPE, after which no further address is written: as much as Postfix keeps of a field
/// (`header_size_limit`, 102,400).
const LIST_LEN_MAX: usize = 102_400;

/// The addresses of all fields `name`, with the limit for a single one: if there are two, both count.
pub(crate) fn addresses(header: &[u8], name: &str) -> Vec<AddressEntry> {
    let mut entries = Vec::new();
    for field in fields(header).filter(|field| field.is(name)) {
        entries.extend(parse_addresses(&unfolded(field.value)));
        if entries.len() >= ENTRIES_MAX {
            break;
        }
    }
    entries
}

/// `env-from` and the like: NIL or `1*address`.
fn write_list(list: &[AddressEntry], out: &mut Vec<u8>) {
    if list.is_empty() {
        wire::nil(out);
        return;
    }
    out.push(b'(');
    let start = out.len();
    for entry in list {
        if out.len() - start > LIST_LEN_MAX {
            break;
        }
        match entry {
            AddressEntry::Mailbox(mailbox) => {
                out.push(b'(');
                wire::nstring(out, mailbox.name.as_ref());
                out.push(b' ');
                wire::nstring(out, mailbox.route.as_ref());
                out.push(b' ');
                wire::string(out, &mailbox.local);
                out.push(b' ');
                wire::string(out, &mailbox.domain);
                out.push(b')');
            }
            AddressEntry::GroupStart(name) => {
                out.extend_from_slice(b"(NIL NIL ");
                wire::string(out, name);
                out.extend_from_slice(b" NIL)");
            }
            AddressEntry::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comment of 20 MB would be three lists of 20 MB in each list of messages; and 10,000 addresses are not shown either.
    #[test]
    fn an_envelope_is_short_whatever_the_header_says() {
        let comment = format!("From: a@b.example ({})\r\n\r\n", "c".repeat(20 << 20));
        let people = format!("To: {}a@b.example\r\n\r\n", "Somebody <somebody@b.example>, ".repeat(ENTRIES_MAX));
        let subject = format!("Subject: {}\r\nFrom: a@b.example\r\n\r\n", "s".repeat(1 << 20));
        for header in [comment, people, subject] {
            let envelope = envelope_wire(header.as_bytes());
            assert!(envelope.len() < 200_000, "{}", envelope.len());
            assert!(envelope.ends_with(b")"));
        }
    }
}
