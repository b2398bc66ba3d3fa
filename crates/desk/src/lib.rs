//! The desk: how demands are received, decided and answered.
//!
//! ```text
//! intake → decision → hold → two approvals → clearance → collect → seal
//!                        └→ letter
//! ```
//!
//! Each event is recorded in the ledger before it takes effect ([`record`]): first its salt is durable, then the log has
//! the leaf and a proof of it, and only then does it have its effect. If the node dies between the two, the effect follows
//! at the next start ([`Desk::open`]) or with the next action on the case, so that no recorded event stays without it.
//!
//! The desk opens no mail. It asks the rules what they conclude, collects two officers' approvals, and passes them to the
//! vault. Only the vault issues the [`vault::Clearance`] with which the store opens what is in scope.
//!
//! Each act returns a typed result ([`DemandServed`], [`CaseDetail`] …) or a [`DeskError`]. Both cross the control socket
//! as JSON; their text is made by presenters, such as `cli/show/desk.rs` of the program. Letters and the certificate are
//! different: they go to an authority, and come from the templates of the law set (`wording`).
//!
//! # Recipe: a new kind of event
//!
//! 1. `case.rs`: a variant of [`EventKind`] and its word in [`EventKind::as_str`]. The word is permanent once released: it
//!    is in ledger entries and packages.
//! 2. The action: a method of [`Desk`] in a file of its own (`letter.rs` is a short example). It takes the lock with
//!    `Desk::turn`, begins with `Desk::resume`, checks whether the case is in a state for it ([`NotNow`], [`NextAction`]), then
//!    calls `Desk::record` with a statement that names no person; if the event changes the case file, `Desk::record_with`, so
//!    that a power cut leaves both or neither. Only then does it take effect.
//! 3. If the effect can be interrupted: `Desk::continue_case` (`resume.rs`) completes it, and doing it twice changes nothing.
//! 4. If it changes the state of the case: [`CaseState`] with [`Case::state`], and [`NextAction`].
//! 5. Its sentence for the package's chain of custody (`custody` in `collect.rs`), and its result in `results.rs`.
//! 6. The presenters: `event_kind`, `state` and a function for the result in `crates/bailiwick/src/cli/show/desk.rs`. The
//!    compiler names every match that lacks the variant.
//! 7. `tests/it`: a story that performs it, and the sweep in `faults.rs`, which fails each of its writes once. To offer the
//!    action to officers, follow the recipe for an operation (CONTRIBUTING.md).

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
mod results;
mod resume;
mod wording;

pub use case::{Case, CaseState, Event, EventKind, PackageRecord};
pub use desk::{Desk, DeskParts};
pub use error::{DeskError, NotNow};
pub use intake::what_if;
pub use law::{CounselKey, DeskLaw, LawError, LawFiles, LawInUse, Texts, rule_text, set_text};
pub use next::{ApprovalNeed, NextAction};
pub use replay::LawChoice;
pub use results::{
    CaseDetail, CaseDifference, CaseList, CaseSummary, Damaged, DamagedCase, DecisionExplained, DecisionReplayed,
    DemandHead, DemandServed, EventSummary, LawAdopted, LawCompared, LetterWritten, ListedCase, OrderApproved,
    PackageSealed, RuleConfirmed, WhatIf,
};
