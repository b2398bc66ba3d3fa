//! A strict client's parser for ENVELOPE and BODYSTRUCTURE (RFC 9051 section 9, `envelope` and `body`). Each check
//! panics where the text violates the grammar.

/// A value of the wire.
#[derive(Debug, PartialEq)]
pub(crate) enum Value {
    /// `NIL`
    Nil,
    /// A number.
    Number(u64),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// A parenthesised list.
    List(Vec<Value>),
}

impl Value {
    fn is_nstring(&self) -> bool {
        matches!(self, Self::Nil | Self::Text(_))
    }

    fn text(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            other => panic!("expected a string, not {other:?}"),
        }
    }

    fn list(&self) -> &[Value] {
        match self {
            Self::List(list) => list,
            other => panic!("expected a list, not {other:?}"),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("expected a number, not {other:?}"),
        }
    }
}

fn read(bytes: &[u8], at: &mut usize) -> Value {
    match bytes[*at] {
        b'(' => {
            *at += 1;
            let mut list = Vec::new();
            while bytes[*at] != b')' {
                // Lists of bodies and of addresses have no space between them, everything else exactly one.
                match (bytes[*at], list.last()) {
                    (b' ', Some(_)) => *at += 1,
                    (b'(', None | Some(Value::List(_))) | (_, None) => {}
                    other => panic!("expected a space at {at}: {other:?}"),
                }
                list.push(read(bytes, at));
            }
            *at += 1;
            Value::List(list)
        }
        b'"' => {
            let mut text = Vec::new();
            *at += 1;
            while bytes[*at] != b'"' {
                if bytes[*at] == b'\\' {
                    *at += 1;
                    assert!(matches!(bytes[*at], b'"' | b'\\'));
                }
                assert!(bytes[*at] < 128 && !matches!(bytes[*at], 0 | b'\r' | b'\n'), "no TEXT-CHAR at {at}");
                text.push(bytes[*at]);
                *at += 1;
            }
            *at += 1;
            Value::Text(text)
        }
        b'{' => {
            let end = *at + bytes[*at..].windows(3).position(|w| w == b"}\r\n").unwrap();
            let len: usize = std::str::from_utf8(&bytes[*at + 1..end]).unwrap().parse().unwrap();
            let text = bytes[end + 3..end + 3 + len].to_vec();
            assert!(!text.contains(&0));
            *at = end + 3 + len;
            Value::Text(text)
        }
        b'0'..=b'9' => {
            let start = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            Value::Number(std::str::from_utf8(&bytes[start..*at]).unwrap().parse().unwrap())
        }
        _ => {
            assert!(bytes[*at..].starts_with(b"NIL"), "unexpected text at {at}");
            *at += 3;
            Value::Nil
        }
    }
}

fn read_all(bytes: &[u8]) -> Value {
    let mut at = 0;
    let value = read(bytes, &mut at);
    assert_eq!(at, bytes.len(), "something follows");
    value
}

/// Checks an ENVELOPE.
pub(crate) fn check_envelope(wire: &[u8]) {
    envelope(&read_all(wire));
}

fn envelope(value: &Value) {
    let [date, subject, lists @ .., in_reply_to, message_id] = value.list() else {
        panic!("an envelope has ten fields")
    };
    assert_eq!(lists.len(), 6);
    assert!([date, subject, in_reply_to, message_id].iter().all(|field| field.is_nstring()));
    for list in lists.iter().filter(|list| **list != Value::Nil) {
        let mut in_group = false;
        assert!(!list.list().is_empty());
        for address in list.list() {
            let [name, route, mailbox, host] = address.list() else { panic!("an address has four fields") };
            assert!([name, route, mailbox, host].iter().all(|field| field.is_nstring()));
            match (mailbox, host) {
                (Value::Text(_), Value::Nil) => {
                    assert!(!in_group);
                    in_group = true;
                }
                (Value::Nil, Value::Nil) => {
                    assert!(in_group);
                    in_group = false;
                }
                (mailbox, host) => {
                    mailbox.text();
                    host.text();
                }
            }
        }
        assert!(!in_group, "a group never ends");
    }
}

/// Checks a BODY or BODYSTRUCTURE.
pub(crate) fn check_body(wire: &[u8], extensible: bool) {
    body(&read_all(wire), extensible);
}

fn parameters(value: &Value) {
    if *value != Value::Nil {
        let list = value.list();
        assert!(!list.is_empty() && list.len().is_multiple_of(2));
        list.iter().for_each(|text| assert!(text.text().len() < usize::MAX));
    }
}

fn extension(rest: &[Value]) {
    let [disposition, language, location] = rest else { panic!("expected three extension fields: {rest:?}") };
    if *disposition != Value::Nil {
        let [kind, list] = disposition.list() else { panic!("a disposition has two fields") };
        kind.text();
        parameters(list);
    }
    if let Value::List(tags) = language {
        assert!(tags.iter().all(|tag| !tag.text().is_empty()));
    } else {
        assert!(language.is_nstring());
    }
    assert!(location.is_nstring());
}

fn body(value: &Value, extensible: bool) {
    let fields = value.list();
    let parts = fields.iter().take_while(|field| matches!(field, Value::List(_))).count();
    if parts > 0 {
        fields[..parts].iter().for_each(|part| body(part, extensible));
        fields[parts].text();
        if extensible {
            parameters(&fields[parts + 1]);
            extension(&fields[parts + 2..]);
        } else {
            assert_eq!(fields.len(), parts + 1);
        }
        return;
    }
    let [kind, subtype, list, id, description, encoding, size, rest @ ..] = fields else { panic!("a body is short") };
    parameters(list);
    assert!(id.is_nstring() && description.is_nstring());
    assert!(!encoding.text().is_empty());
    size.number();
    let rest = match (kind.text(), subtype.text(), rest) {
        (b"message", b"rfc822" | b"global", [inner_envelope, inner, lines, rest @ ..]) => {
            envelope(inner_envelope);
            body(inner, extensible);
            lines.number();
            rest
        }
        (b"message", b"rfc822" | b"global", _) => panic!("a message is short"),
        (b"text", _, [lines, rest @ ..]) => {
            lines.number();
            rest
        }
        (_, _, rest) => rest,
    };
    match (extensible, rest) {
        (false, []) => {}
        (true, [md5, rest @ ..]) => {
            assert!(md5.is_nstring());
            extension(rest);
        }
        other => panic!("extension data: {other:?}"),
    }
}
