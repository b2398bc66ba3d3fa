//! For what an app password may be used, and how many an account has.

/// How many app passwords an account has at most. A person with a phone, two computers, a tablet and some programs is far
/// from it; each sign-in is compared with all of them.
pub const APP_PASSWORDS_MAX: usize = 32;

/// Bytes of the name of an app password or a session.
pub const NAME_BYTES_MAX: usize = 64;

/// For what an app password may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scopes(u8);

impl Scopes {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Reading mail with a mail client.
    pub const IMAP: Self = Self(1);
    /// Sending mail with a mail client. No door takes submissions in this version.
    pub const SMTP: Self = Self(2);
    /// The owner's pages.
    pub const PAGES: Self = Self(4);

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The byte that stands for it in files and messages.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The scopes of an byte; `None` for what is none.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits != 0 && bits & !7 == 0).then_some(Self(bits))
    }

    /// The names of what is in it, in a fixed order.
    pub fn names(self) -> Vec<&'static str> {
        [(Self::IMAP, "imap"), (Self::SMTP, "smtp"), (Self::PAGES, "pages")]
            .into_iter()
            .filter(|(scope, _)| self.covers(*scope))
            .map(|(_, name)| name)
            .collect()
    }
}
