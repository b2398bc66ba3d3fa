//! Looking for damage: the rows of every account (`survey.rs`), and every record of every segment (`verify.rs`).

pub(crate) mod survey;
pub(crate) mod verify;
