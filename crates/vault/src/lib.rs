//! Keys and proofs of right: sealing, signing in, officers, clearances.
