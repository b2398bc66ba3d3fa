//! Owners: signing in, their secrets, their keys, and the end of them.

mod accounts;
mod closing;
pub(crate) mod door;
pub(crate) mod epochs;
pub(crate) mod pair_sweeps;
mod pairs;
pub(crate) mod resets;
pub(crate) mod ring;
pub(crate) mod scram;
pub(crate) mod secrets;
pub(crate) mod seen;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod throttle;
