//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) from the node's side, as a machine: messages in, messages
//! out. It knows no account and no key; chance, salt and what binds to the channel are arguments.
//!
//! Whose salt is shown, and which app password the proof fits, is the matter of the caller. Why it is our own and not a
//! crate: `docs/decisions/2026-11-25-sign-in-secrets.md`.

use data_encoding::BASE64;

use crate::crypto::{SCRAM_ITERATIONS, SCRAM_SALT_LEN};

/// The longest message of a client: names and nonces of some hundred octets, many times over.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Why an exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramError {
    /// A message that is none of SCRAM, or asks for what nobody offered. The client's fault, and no guess.
    Malformed,
    /// It would act for somebody else (RFC 5802 section 5.1, `a`).
    OtherIdentity,
    /// The proof is of another channel, of another nonce, or of no app password.
    Refused,
}

impl ScramError {
    const ALL: [Self; 3] = [Self::Malformed, Self::OtherIdentity, Self::Refused];

    pub(crate) fn octet(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.octet() == octet)
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
    fn name(&self) -> &'static str {
        match self {
            Self::Exporter(_) => "tls-exporter",
            Self::EndPoint(_) => "tls-server-end-point",
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Self::Exporter(data) => data,
            Self::EndPoint(data) => data,
        }
    }
}

/// `client-first-message`, read.
struct First<'a> {
    /// `gs2-header`, as sent.
    header: &'a str,
    /// The channel binding that the client uses.
    flag: Flag<'a>,
    authorized: Option<String>,
    /// `client-first-message-bare`, as sent.
    bare: &'a str,
    user: String,
    nonce: &'a str,
}

/// `gs2-cbind-flag = ("p=" cb-name) / "n" / "y"`
enum Flag<'a> {
    Used(&'a str),
    Unknown,
    /// The client could, and believes that we cannot.
    Missed,
}

/// The name in a client's first message: whom it claims to be. `None` when it is no such message.
pub fn scram_user(first: &[u8]) -> Option<String> {
    First::parse(first).map(|first| first.user)
}

impl<'a> First<'a> {
    /// `client-first-message = gs2-header client-first-message-bare` (RFC 5802 section 7)
    fn parse(message: &'a [u8]) -> Option<Self> {
        let text = text(message)?;
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

fn text(message: &[u8]) -> Option<&str> {
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

/// An exchange that waits for the client's second message.
#[derive(Debug)]
pub(crate) struct Exchange {
    first_bare: String,
    server_first: String,
    nonce: String,
    /// What `c=` must hold: the header and the channel's data.
    channel: Vec<u8>,
}

impl Exchange {
    /// Takes `client-first-message` and gives `server-first-message`. `plus`: the mechanism is the one that binds to the
    /// channel; `bindings` are those of this connection, all of which were offered. `server_nonce` is fresh and printable.
    pub(crate) fn begin(
        first: &[u8],
        plus: bool,
        bindings: &[ChannelBinding],
        server_nonce: &str,
        salt: &[u8; SCRAM_SALT_LEN],
    ) -> Result<(Self, Vec<u8>), ScramError> {
        let first = First::parse(first).ok_or(ScramError::Malformed)?;
        if first.authorized.is_some_and(|authorized| authorized != first.user) {
            return Err(ScramError::OtherIdentity);
        }
        let mut channel = first.header.as_bytes().to_vec();
        match first.flag {
            Flag::Used(name) if plus => {
                let binding = bindings.iter().find(|binding| binding.name() == name);
                channel.extend_from_slice(binding.ok_or(ScramError::Malformed)?.data());
            }
            // RFC 5802 section 6: somebody took the PLUS from our list of mechanisms.
            Flag::Missed if !plus && !bindings.is_empty() => return Err(ScramError::Refused),
            Flag::Unknown | Flag::Missed if !plus => {}
            // RFC 5802 section 6: with PLUS the flag is "p", and without it is not.
            _ => return Err(ScramError::Malformed),
        }
        let nonce = format!("{}{server_nonce}", first.nonce);
        let server_first = format!("r={nonce},s={},i={SCRAM_ITERATIONS}", BASE64.encode(salt));
        let exchange = Self { first_bare: first.bare.to_owned(), server_first: server_first.clone(), nonce, channel };
        Ok((exchange, server_first.into_bytes()))
    }

    /// Takes `client-final-message`; gives `AuthMessage` and the proof.
    pub(crate) fn finish(&self, last: &[u8]) -> Result<(Vec<u8>, [u8; 32]), ScramError> {
        let last = text(last).ok_or(ScramError::Malformed)?;
        // `client-final-message = client-final-message-without-proof "," proof`, the proof last.
        let (without_proof, proof) = last.rsplit_once(",p=").ok_or(ScramError::Malformed)?;
        let proof = BASE64.decode(proof.as_bytes()).map_err(|_| ScramError::Malformed)?;
        let proof = proof.try_into().map_err(|_| ScramError::Malformed)?;
        let mut fields = without_proof.split(',');
        let channel = fields.next().and_then(|field| field.strip_prefix("c=")).ok_or(ScramError::Malformed)?;
        let channel = BASE64.decode(channel.as_bytes()).map_err(|_| ScramError::Malformed)?;
        let nonce = fields.next().and_then(|field| field.strip_prefix("r=")).ok_or(ScramError::Malformed)?;
        if channel != self.channel || nonce != self.nonce {
            return Err(ScramError::Refused);
        }
        Ok((format!("{},{},{without_proof}", self.first_bare, self.server_first).into_bytes(), proof))
    }
}

/// `server-final-message = verifier`
pub(crate) fn server_final(signature: &[u8; 32]) -> Vec<u8> {
    format!("v={}", BASE64.encode(signature)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{ScramKeys, client_key, server_signature, stored_key};

    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const SALT: &[u8] = b"W22ZaJ0SNY7soEsUEjb6gQ==";

    fn salt() -> [u8; SCRAM_SALT_LEN] {
        BASE64.decode(SALT).unwrap().try_into().unwrap()
    }

    /// The example of RFC 7677 section 3, octet for octet.
    #[test]
    fn the_example_of_the_standard() {
        let (exchange, server_first) = Exchange::begin(FIRST, false, &[], SERVER_NONCE, &salt()).unwrap();
        assert_eq!(
            server_first,
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                     p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let (auth_message, proof) = exchange.finish(last).unwrap();
        let keys = ScramKeys::derive("pencil", &salt());
        let stored = stored_key(&keys.client);
        assert_eq!(client_key(&proof, &stored, &auth_message), keys.client);
        let said = server_final(&server_signature(&keys.server, &auth_message));
        assert_eq!(said, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn first_messages() {
        let exporter = [ChannelBinding::Exporter([7; 32])];
        let begin = |first: &str, plus, bindings: &[ChannelBinding]| {
            Exchange::begin(first.as_bytes(), plus, bindings, "x", &[0; 16]).map(|_| ())
        };
        for (first, plus, bindings, expected) in [
            ("n,,n=ann,r=abc", false, &[][..], Ok(())),
            ("n,,n=ann,r=abc", false, &exporter, Ok(())),
            ("y,,n=ann,r=abc", false, &[], Ok(())),
            ("n,a=ann,n=ann,r=abc,x=extension", false, &[], Ok(())),
            ("p=tls-exporter,,n=ann,r=abc", true, &exporter, Ok(())),
            // Somebody between us took PLUS away.
            ("y,,n=ann,r=abc", false, &exporter, Err(ScramError::Refused)),
            ("n,a=ben,n=ann,r=abc", false, &[], Err(ScramError::OtherIdentity)),
            ("p=tls-unique,,n=ann,r=abc", true, &exporter, Err(ScramError::Malformed)),
            ("p=tls-exporter,,n=ann,r=abc", true, &[], Err(ScramError::Malformed)),
            ("p=tls-exporter,,n=ann,r=abc", false, &exporter, Err(ScramError::Malformed)),
            ("n,,n=ann,r=abc", true, &exporter, Err(ScramError::Malformed)),
            ("y,,n=ann,r=abc", true, &exporter, Err(ScramError::Malformed)),
            ("n,,m=must,n=ann,r=abc", false, &[], Err(ScramError::Malformed)),
            ("n,,n=,r=abc", false, &[], Err(ScramError::Malformed)),
            ("n,,n=a=b,r=abc", false, &[], Err(ScramError::Malformed)),
            ("n,,n=ann,r=", false, &[], Err(ScramError::Malformed)),
            ("n,,n=ann", false, &[], Err(ScramError::Malformed)),
            ("n,n=ann,r=abc", false, &[], Err(ScramError::Malformed)),
            ("", false, &[], Err(ScramError::Malformed)),
        ] {
            assert_eq!(begin(first, plus, bindings), expected, "{first} {plus}");
        }
        assert_eq!(scram_user(b"n,,n=a=2Cb=3Dc@d,r=x").as_deref(), Some("a,b=c@d"));
        assert_eq!(scram_user(b"n,,n=\xff,r=x"), None);
        assert_eq!(scram_user(&[b"n,,n=".as_slice(), &[b'a'; 5000], b",r=x"].concat()), None);
    }

    #[test]
    fn last_messages() {
        let bound = [ChannelBinding::Exporter([7; 32]), ChannelBinding::EndPoint(vec![8; 32])];
        let first = b"p=tls-server-end-point,,n=ann,r=abc";
        let (exchange, _) = Exchange::begin(first, true, &bound, "def", &[0; 16]).unwrap();
        let channel = |data: &[u8]| BASE64.encode(&[b"p=tls-server-end-point,,".as_slice(), data].concat());
        let proof = BASE64.encode(&[1; 32]);
        let finish = |text: &str| exchange.finish(text.as_bytes()).map(|(_, proof)| proof);
        let right = channel(&[8; 32]);
        assert_eq!(finish(&format!("c={right},r=abcdef,p={proof}")), Ok([1; 32]));
        assert_eq!(finish(&format!("c={right},r=abcdef,x=more,p={proof}")), Ok([1; 32]));
        for refused in [
            format!("c={},r=abcdef,p={proof}", channel(&[7; 32])),
            format!("c={},r=abcdef,p={proof}", channel(&[])),
            format!("c=biws,r=abcdef,p={proof}"),
            format!("c={right},r=abcde,p={proof}"),
            format!("c={right},r=abcdefg,p={proof}"),
        ] {
            assert_eq!(finish(&refused), Err(ScramError::Refused), "{refused}");
        }
        for malformed in [
            String::new(),
            format!("c={right},r=abcdef"),
            format!("c={right},r=abcdef,p="),
            format!("c={right},r=abcdef,p={}", BASE64.encode(&[1; 31])),
            format!("r=abcdef,c={right},p={proof}"),
            format!("c=?,r=abcdef,p={proof}"),
        ] {
            assert_eq!(finish(&malformed), Err(ScramError::Malformed), "{malformed}");
        }
    }
}
