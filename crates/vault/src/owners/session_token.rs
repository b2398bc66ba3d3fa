//! What a browser holds of a web session that carries its own secret.

use std::fmt;

use terms::Secret;

/// How many sessions an account has at most; a new one beyond ends the oldest.
pub const SESSIONS_MAX: usize = 32;

/// How long a session may last: 30 days. A browser on one's own machine asks for the password once a month; what is left
/// behind on another's ends by itself.
pub const SESSION_MILLIS_MAX: i64 = 30 * 86_400_000;

/// What the browser holds: whose session, which, and its secret. `Debug` prints nothing of it.
#[derive(Clone)]
pub struct SessionToken(Secret<String>);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl SessionToken {
    /// Takes what a browser sent. Whether it is one turns out when it is used.
    pub fn new(text: Secret<String>) -> Self {
        Self(text)
    }

    /// The text for the browser: 70 characters of base64url.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
