//! What every page shares, each in one file: the security headers, errors as statuses and pages, sessions, the proof that
//! a form is ours, the reading of forms, and the files that pages link to. Nothing here knows a single page.

pub(crate) mod assets;
pub(crate) mod connection;
pub(crate) mod csrf;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod headers;
pub(crate) mod session;
pub(crate) mod view;
pub(crate) mod visitor;
