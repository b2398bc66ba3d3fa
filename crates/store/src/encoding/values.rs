//! Values that changes and snapshots both have: flags and limits.

use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::values::flags::FlagSet;
use crate::values::quota::{Limit, Limits};

/// The system flags, the count of keywords, the keywords.
pub(crate) fn encode_flags(flags: &FlagSet, out: &mut Writer) {
    out.byte(flags.system);
    out.number(flags.keywords.len() as u64);
    flags.keywords.iter().for_each(|keyword| out.text(keyword));
}

/// The inverse of [`encode_flags`].
pub(crate) fn decode_flags(input: &mut Reader<'_>) -> Result<FlagSet, Malformed> {
    let system = input.byte()?;
    let count = input.count()?;
    let keywords = (0..count).map(|_| input.text()).collect::<Result<_, _>>()?;
    Ok(FlagSet { system, keywords })
}

impl Limit {
    fn encode(self, out: &mut Writer) {
        match self {
            Self::Policy => out.byte(0),
            Self::Unlimited => out.byte(1),
            Self::At(most) => {
                out.byte(2);
                out.number(most);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match input.byte()? {
            0 => Self::Policy,
            1 => Self::Unlimited,
            2 => Self::At(input.number()?),
            _ => return Err(Malformed),
        })
    }
}

impl Limits {
    pub(crate) fn encode(self, out: &mut Writer) {
        self.bytes.encode(out);
        self.messages.encode(out);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { bytes: Limit::decode(input)?, messages: Limit::decode(input)? })
    }
}
