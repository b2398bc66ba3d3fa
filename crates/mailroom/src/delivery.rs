//! Delivery: a message that a door accepted becomes sealed mail in its home.
