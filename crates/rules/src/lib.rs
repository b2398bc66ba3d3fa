//! The law as data, and the pure function that decides.
