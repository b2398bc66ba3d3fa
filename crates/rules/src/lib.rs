//! The law as data, and the pure function that decides.
//!
//! Texts in, conclusions out: no clock, no files, no sockets, and no statute in this source. `law/` beside the crates
//! holds the vocabulary, the rules, the calendars and the cases; `docs/law.md` says how to read and write them.

mod condition;
mod decision;
mod demand;
mod facts;
mod home;
mod law;
mod places;
mod rule;
mod value;

pub use condition::{Condition, DayRef, OtherFact, Pattern, Test};
pub use decision::{
    Action, Challenge, ChallengeState, Citation, Conflict, Deadline, Decision, Flag, ItemOutcome, Mode, NearRule, Node,
    Notice, OpenRule, Outcome, Proof, Question, Route, Silence, SilenceState, Unit, UsedFact,
};
pub use demand::{Asks, Authority, Delivery, Demand, DemandedSilence, Issuer, Offence, Validator};
pub use facts::{Copy, FactMap, Facts, Item, Known, Provenance, RuleSignature, Scope};
pub use home::{DeclaredCopy, Entity, HomeFacts};
pub use rule::{Basis, Confidence, DeadlinePurpose, Effect, InForce, Roll, Rule, SilenceTerm, Start, Term, Topic};
pub use value::{Day, DayError, Kind, Value};
