//! What is done with mail: delivery, reading, import and export. The machines (`smtp`, `imap`) decide, the store stores,
//! and this crate connects them. It has no socket and no clock of its own.

use terms::Secret;

pub mod check;
pub mod delivery;
pub mod export;
mod gate;
pub mod import;
pub mod index;
pub mod lanes;
mod mailroom;
mod packing;
pub mod reading;
pub mod record;

pub use gate::MailroomGate;
pub use mailroom::Mailroom;
pub use packing::forget_unused;

/// NIST SP 800-63B section 5.1.1.2: at least 8 characters for a secret chosen by a person.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Whether a password chosen by a person has at least [`PASSWORD_CHARS_MIN`] characters.
pub fn is_password_long_enough(password: &Secret<String>) -> bool {
    password.expose().chars().count() >= PASSWORD_CHARS_MIN
}
