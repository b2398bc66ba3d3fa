//! What kind of data a demand asks for (Regulation (EU) 2023/1543 Art. 3(9)-(12); 18 USC 2703 in its own terms).

use serde::{Deserialize, Serialize};

/// The four categories, from least to most intrusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Who the customer is: name, address, start of service, means of payment.
    Subscriber,
    /// What identifies the user at a given moment: IP address, port, time.
    Identification,
    /// Who wrote to whom, when, how much; sign-ins.
    Traffic,
    /// The content of messages, and everything else.
    Content,
}

impl Category {
    /// All categories, least intrusive first.
    pub const ALL: [Self; 4] = [Self::Subscriber, Self::Identification, Self::Traffic, Self::Content];

    /// The name used in files and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Identification => "identification",
            Self::Traffic => "traffic",
            Self::Content => "content",
        }
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
