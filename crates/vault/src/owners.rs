//! Owners: the nouns of signing in, custody and secrets.

pub(crate) mod custody;
pub(crate) mod network;
pub(crate) mod otpauth;
pub(crate) mod scopes;
pub(crate) mod scram;
pub(crate) mod secrets;
pub(crate) mod session_token;
pub(crate) mod sign_in;
