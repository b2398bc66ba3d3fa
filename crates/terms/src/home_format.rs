//! The one number that says in which format a home is written (docs/formats/home.md).

use std::fmt;

/// The format that this program writes, and the only one that it reads.
pub const HOME_FORMAT: u32 = 4;

/// A home, or a copy of one, is written in another format than [`HOME_FORMAT`]. Nothing of it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherFormat(pub u32);

impl OtherFormat {
    /// Refuses every format but [`HOME_FORMAT`].
    ///
    /// # Errors
    /// The other format.
    pub fn check(found: u32) -> Result<(), Self> {
        if found == HOME_FORMAT { Ok(()) } else { Err(Self(found)) }
    }
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "This home was written in format {}, this program reads {HOME_FORMAT}. Export the mail with the version that \
             wrote it (`bailiwick export`), make a new home, and import it (`bailiwick import`)",
            self.0
        )
    }
}

impl std::error::Error for OtherFormat {}
