//! Codes that change every half minute (RFC 6238), by the crate `totp-rs`.

use totp_rs::{Algorithm, Builder, Secret};

/// Bytes of the secret: what RFC 4226 section 4 recommends for SHA-1, and what every authenticator app takes.
pub(crate) const TOTP_SECRET_LEN: usize = 20;

/// Seconds of a step (RFC 6238 section 5.2).
pub(crate) const TOTP_STEP_SECONDS: u64 = 30;

/// Steps before and after the present one whose code counts too: one, for a clock that is off and a person who types
/// (RFC 6238 section 5.2).
const SKEW: u16 = 1;

/// The step whose code this is, among those that count at this moment. The comparison takes the same time wherever two
/// codes differ.
pub(crate) fn totp_step(secret: &[u8; TOTP_SECRET_LEN], code: &str, seconds: u64) -> Option<u64> {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(TOTP_STEP_SECONDS)
        .with_secret(Secret::new_stack(*secret))
        .build()
        .ok()?;
    totp.check(code, seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totp_code(secret: &[u8; TOTP_SECRET_LEN], seconds: u64) -> String {
        let totp = Builder::new().with_secret(Secret::new_stack(*secret)).with_digits(6).build().unwrap();
        totp.generate(seconds).to_string()
    }

    /// RFC 6238 appendix B gives 8 digits; the last 6 are the code of 6 digits. (RFC 4226 section 5.3: modulo 10^6.)
    #[test]
    fn the_codes_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(totp_code(secret, seconds), code);
            assert_eq!(totp_step(secret, code, seconds), Some(seconds / 30));
            assert_eq!(totp_step(secret, code, seconds + 30), Some(seconds / 30));
            assert_eq!(totp_step(secret, code, seconds + 90), None);
        }
        for no_code in ["", "28708", "2870820", "abcdef", "28708\u{661}", "+87082", "２８７０８２"] {
            assert_eq!(totp_step(secret, no_code, 59), None, "{no_code}");
        }
    }
}
