//! A small deterministic world for tests: clock, chance, a disk that loses power.
