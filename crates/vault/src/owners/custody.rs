//! Custody: who can open a mailbox at rest, in one table that the documents, the command line and the owner's page render.
//!
//! The table is data: [`TABLE`]. It describes what `account.rs` of the keeper does with the wraps; one test compares
//! the two, and another compares `docs/custody.md` with the table.

use std::fmt;
use std::str::FromStr;

/// Who can open a mailbox at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Custody {
    /// The owner's secrets, or two officers together. The node alone cannot. The default.
    Strict = 1,
    /// As `strict`, and the node alone can, with its service key.
    Standard = 2,
    /// The owner's secrets and recovery codes only.
    Owner = 3,
}

/// No custody has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCustody;

impl fmt::Display for UnknownCustody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("custody is strict, standard or owner")
    }
}

impl std::error::Error for UnknownCustody {}

impl Custody {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Standard, Self::Owner];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Standard => "standard",
            Self::Owner => "owner",
        }
    }

    /// The byte that stands for it in files and messages.
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The custody that a byte stands for.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|custody| custody.byte() == byte)
    }

    /// Its column of the table, row by row: the question and the answer.
    pub fn said(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        TABLE.iter().map(move |row| (row.question, row.of(self)))
    }
}

impl fmt::Display for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Custody {
    type Err = UnknownCustody;

    fn from_str(text: &str) -> Result<Self, UnknownCustody> {
        Self::ALL.into_iter().find(|custody| custody.as_str() == text).ok_or(UnknownCustody)
    }
}

/// A row of the table: one question, and what is true under each custody.
#[derive(Debug, Clone, Copy)]
pub struct CustodyRow {
    /// The question, in the owner's words.
    pub question: &'static str,
    /// Under [`Custody::Strict`].
    pub strict: &'static str,
    /// Under [`Custody::Standard`].
    pub standard: &'static str,
    /// Under [`Custody::Owner`].
    pub owner: &'static str,
}

impl CustodyRow {
    /// The answer under `custody`.
    pub fn of(&self, custody: Custody) -> &'static str {
        match custody {
            Custody::Strict => self.strict,
            Custody::Standard => self.standard,
            Custody::Owner => self.owner,
        }
    }
}

/// What each custody can and cannot do.
pub const TABLE: &[CustodyRow] = &[
    CustodyRow {
        question: "Who can open the stored mail?",
        strict: "you, with any of your sign-in secrets; two officers of this home together",
        standard: "you, with any of your sign-in secrets; two officers of this home together; the node alone, with its \
                   service key",
        owner: "you, with any of your sign-in secrets, and nobody else",
    },
    CustodyRow {
        question: "What can someone who steals the disk and the service key read?",
        strict: "no stored mail",
        standard: "all of your stored mail; in this respect the weakest custody",
        owner: "no stored mail",
    },
    CustodyRow {
        question: "How can you sign in?",
        strict: "password, app passwords, SCRAM with an app password, web sessions",
        standard: "password, app passwords, SCRAM with an app password, web sessions; only this custody \
                   permits sign-in without a secret (OAUTHBEARER, EXTERNAL), which is not offered yet",
        owner: "password, app passwords, SCRAM with an app password, web sessions",
    },
    CustodyRow {
        question: "What if you forget your password?",
        strict: "you set a new one with a recovery code, if you created any; or two officers reset it, after notice \
                 to you and a delay (24 hours unless the operator set another)",
        standard: "you set a new one with a recovery code, if you created any; or two officers reset it, after notice \
                   to you and a delay (24 hours unless the operator set another)",
        owner: "you set a new one with a recovery code; without one your mail is permanently lost",
    },
    CustodyRow {
        question: "What can be produced under a lawful order?",
        strict: "what the order covers, opened by two officers together; each event is recorded in the ledger first",
        standard: "what the order covers, opened by two officers together; each event is recorded in the ledger first",
        owner: "what the provider has: the mail as ciphertext, which the provider cannot decrypt, and data other \
                than content; mail that arrives later is briefly in plain text in the node's memory",
    },
    CustodyRow {
        question: "Who can change it?",
        strict: "you, with your password",
        standard: "you, with your password",
        owner: "you, with your password",
    },
];
