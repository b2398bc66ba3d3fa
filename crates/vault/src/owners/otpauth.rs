//! The address by which an authenticator app takes a secret (Key Uri Format): what the command line and the owner's page
//! show beside the secret.

use terms::Secret;

/// The `otpauth:` address of a secret, for the owner of `address`. Escapes everything but letters, digits and `-._`.
pub fn otpauth(address: &str, secret: &Secret<String>) -> Secret<String> {
    let label: String = address
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    Secret::new(format!("otpauth://totp/Bailiwick:{label}?secret={}&issuer=Bailiwick", secret.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_escaped() {
        let made = otpauth("a&secret=x/é@ie.example", &"ABC".into());
        assert_eq!(
            made.expose(),
            "otpauth://totp/Bailiwick:a%26secret%3Dx%2F%C3%A9%40ie.example?secret=ABC&issuer=Bailiwick"
        );
    }
}
