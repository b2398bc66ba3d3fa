//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) from the node's side, as a machine: messages in, messages
//! out. It knows no account and no key; randomness, salt and what binds to the channel are arguments.
//!
//! Whose salt is shown, and which app password the proof fits, is the matter of the caller. Why it is our own and not a
//! crate: `docs/decisions/2026-11-25-sign-in-secrets.md`.

use data_encoding::BASE64;
use vault::inside::{First, Flag, printable_text};
use vault::{ChannelBinding, ScramError};

use crate::crypto::{SCRAM_ITERATIONS, SCRAM_SALT_LEN};

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
        let last = printable_text(last).ok_or(ScramError::Malformed)?;
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
    use vault::scram_user;

    use super::*;
    use crate::crypto::{ScramKeys, client_key, server_signature, stored_key};

    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const SALT: &[u8] = b"W22ZaJ0SNY7soEsUEjb6gQ==";

    fn salt() -> [u8; SCRAM_SALT_LEN] {
        BASE64.decode(SALT).unwrap().try_into().unwrap()
    }

    /// The example of RFC 7677 section 3, byte for byte.
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
