//! The process that talks to a PKCS#11 token, so that the token's module, foreign code, runs neither in the vault nor in the
//! node. What the token opens, it seals to a key that the vault has made for this one answer.

mod confine;
mod device;
mod serve;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests;

pub use serve::serve_standard_input;
