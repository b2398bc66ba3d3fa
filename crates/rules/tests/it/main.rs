//! The rules room against the law of this source tree and against sets made for the test.

mod cases;
mod support;
