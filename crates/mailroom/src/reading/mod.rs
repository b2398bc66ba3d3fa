//! Reading: what an IMAP session needs, taken from the store for its owner.
