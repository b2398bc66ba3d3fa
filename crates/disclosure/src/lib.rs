//! The package: a BagIt bag that proves itself, sealed with age.
