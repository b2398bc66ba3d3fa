//! The law as data, and the pure function that decides.
//!
//! Texts in, conclusions out: no clock, no files, no sockets, and no statute in this source. `law/` beside the crates
//! holds the vocabulary, the rules, the calendars and the cases; `docs/law.md` says how to read and write them.

mod authorities;
mod calendar;
mod case;
mod check;
mod condition;
mod deadlines;
mod decision;
mod demand;
mod difference;
mod errors;
mod explain;
mod facts;
mod hold;
mod home;
mod homes;
mod invariant;
mod judge;
mod law;
mod load;
mod outcomes;
mod picture;
mod places;
mod questions;
mod raw;
mod rule;
mod search;
mod shown;
mod space;
mod standing;
mod survey;
mod value;
mod vocabulary;
mod zones;

pub use authorities::RouteAuthority;
pub use calendar::Calendar;
pub use case::{Case, read_cases};
pub use check::{CaseResult, CheckReport, Finding, check, compare, deciding};
pub use condition::{Condition, DayRef, FactIndex, OtherFact, Pattern, Test};
pub use decision::{
    Action, Challenge, ChallengeState, Citation, Conflict, Deadline, Decision, Flag, ItemOutcome, Mode, NearRule, Node,
    Notice, OpenRule, Outcome, Proof, Question, Route, Silence, SilenceState, Unit, UsedFact,
};
pub use demand::{Asks, Authority, Delivery, Demand, DemandedSilence, Issuer, Offence, Validator, what_if_moment};
pub use difference::{Difference, Due, ItemConclusion, SetDifference, SilenceConclusion, compare_sets, difference};
pub use errors::{DemandError, LawError, LawErrors};
pub use explain::{explain, paragraph, render_decision};
pub use facts::{FactMap, Facts, Known, Provenance, RequestedItem, RuleSignature, Scope, StoredCopy};
pub use hold::{Change, HoldingDay, Proposed, Unheld, holding_days, proposed_cases, unheld};
pub use home::{DeclaredCopy, Entity, HomeFacts, OWN_COPIES};
pub use invariant::{Impossible, Invariant};
pub use judge::decide;
pub use law::{FileHead, LawSet, RouteDef};
pub use picture::{Picture, PictureEvent, PictureRow, Span, read_pictures};
pub use places::{Member, PlaceSet};
pub use rule::{
    Basis, Confidence, DeadlinePurpose, Effect, InForce, Roll, Rule, SilenceTerm, Start, Term, Topic, Unit as TermUnit,
};
pub use survey::{Witness, WitnessOf};
pub use value::{Day, DayError, Kind, Value};
pub use vocabulary::{About, FactDef, ForumDef, ItemDef, Vocabulary, Word};
pub use zones::{knows_zone, local_day, local_moment, local_time};
