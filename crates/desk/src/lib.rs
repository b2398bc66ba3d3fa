//! What is done with demands.
//!
//! ```text
//! intake → decision → hold → two approvals → clearance → collect → seal
//!                        └→ letter
//! ```
//!
//! Each arrow is a ledger entry first ([`record`]): the entry's salt is durable, then the log has the leaf and a proof of
//! it, and only then does the step have its effect. A node that dies between the two carries on at its next start
//! ([`Desk::open`]), and so does the next action on the case, so that no recorded step stays without its effect.
//!
//! The desk opens no mail. It asks the rules what they conclude, collects two officers' approvals, and hands them to the
//! vault; the vault, and only it, makes the [`vault::Clearance`] with which the store opens what is in scope.

mod adopt;
mod answer;
mod approval;
mod case;
mod collect;
mod desk;
mod error;
mod file;
mod held;
mod house;
mod intake;
mod items;
mod law;
mod letter;
mod next;
mod order;
mod proposal;
mod record;
mod replay;
mod resume;
mod show;
mod wording;

pub use case::{Case, Kind, PackageRecord, State, Step};
pub use desk::{Desk, DeskParts};
pub use error::DeskError;
pub use intake::what_if;
pub use law::{CounselKey, LawFiles, LawInUse, LawRoom, Texts, rule_text, set_text};
pub use replay::LawChoice;

/// The result of an action: text for a person, and the same as data. It names owners; `Debug` prints nothing of it.
#[derive(Clone)]
pub struct Said {
    /// What to show.
    pub text: String,
    /// The same for a script.
    pub data: serde_json::Value,
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Said({} octets)", self.text.len())
    }
}
