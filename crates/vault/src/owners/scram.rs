//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): the nouns, and a client's first message, which the mailroom
//! reads to find the account. The exchange itself is the keeper's.

use std::fmt;

/// The id of an exchange that waits for the client's last message.
pub type ExchangeId = [u8; 16];

/// The longest message of a client: names and nonces of some hundred bytes, many times over.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Why an exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramError {
    /// Not a SCRAM message, or asks for what nobody offered. The client's fault, and not a guess.
    Malformed,
    /// It would act for somebody else (RFC 5802 section 5.1, `a`).
    OtherIdentity,
    /// The proof is of another channel, of another nonce, or of no app password.
    Refused,
}

impl fmt::Display for ScramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed SCRAM-SHA-256 message",
            Self::OtherIdentity => "the client asks to act as somebody else",
            Self::Refused => "the client's proof belongs to another channel or exchange",
        })
    }
}

impl ScramError {
    const ALL: [Self; 3] = [Self::Malformed, Self::OtherIdentity, Self::Refused];

    pub(crate) fn byte(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.byte() == byte)
    }
}

/// What a TLS connection can be known by (RFC 5056), with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelBinding {
    /// `tls-exporter` (RFC 9266): TLS 1.3.
    Exporter([u8; 32]),
    /// `tls-server-end-point` (RFC 5929 section 4): the hash of the node's certificate.
    EndPoint(Vec<u8>),
}

impl ChannelBinding {
    /// Its name in the registry of channel bindings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exporter(_) => "tls-exporter",
            Self::EndPoint(_) => "tls-server-end-point",
        }
    }

    /// Its data.
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Exporter(data) => data,
            Self::EndPoint(data) => data,
        }
    }
}

/// `client-first-message`, read.
pub struct First<'a> {
    /// `gs2-header`, as sent.
    pub header: &'a str,
    /// The channel binding that the client uses.
    pub flag: Flag<'a>,
    /// As whom the client would act.
    pub authorized: Option<String>,
    /// `client-first-message-bare`, as sent.
    pub bare: &'a str,
    /// As whom it signs in.
    pub user: String,
    /// The client's nonce.
    pub nonce: &'a str,
}

/// `gs2-cbind-flag = ("p=" cb-name) / "n" / "y"`
pub enum Flag<'a> {
    /// It uses the one of this name.
    Used(&'a str),
    /// It has none.
    Unknown,
    /// The client could, and believes that we cannot.
    Missed,
}

/// The name in a client's first message: whom it claims to be. `None` when it is not such a message.
pub fn scram_user(first: &[u8]) -> Option<String> {
    First::parse(first).map(|first| first.user)
}

impl<'a> First<'a> {
    /// `client-first-message = gs2-header client-first-message-bare` (RFC 5802 section 7)
    ///
    /// `None` when it is not such a message.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let text = printable_text(message)?;
        let (flag, rest) = text.split_once(',')?;
        let (authorized, bare) = rest.split_once(',')?;
        let flag = match flag {
            "n" => Flag::Unknown,
            "y" => Flag::Missed,
            _ => Flag::Used(flag.strip_prefix("p=")?),
        };
        let authorized = match authorized {
            "" => None,
            authorized => Some(saslname(authorized.strip_prefix("a=")?)?),
        };
        // `[reserved-mext ","]` stands for extensions that must be understood; there are none.
        let mut fields = bare.split(',');
        let user = saslname(fields.next()?.strip_prefix("n=")?)?;
        let nonce = fields.next()?.strip_prefix("r=").filter(|nonce| printable(nonce))?;
        let header = &text[..text.len() - bare.len()];
        Some(Self { header, flag, authorized, bare, user, nonce })
    }
}

/// The text of a message, if it is one and no longer than a client may send.
pub fn printable_text(message: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(message).ok()?;
    (text.len() <= MESSAGE_BYTES_MAX && !text.contains('\0')).then_some(text)
}

/// `printable = %x21-2B / %x2D-7E`: all but the comma.
fn printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// `saslname = 1*(value-safe-char / "=2C" / "=3D")`
fn saslname(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        out.push_str(before);
        let (escaped, left) = after.split_at_checked(2)?;
        out.push(match escaped {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        rest = left;
    }
    out.push_str(rest);
    (!out.is_empty()).then_some(out)
}
