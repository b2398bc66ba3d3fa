//! The tamper-evident log in C2SP tlog-tiles form.
