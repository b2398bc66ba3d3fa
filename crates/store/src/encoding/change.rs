//! A change as it is sealed into a row.

use terms::{CaseId, EpochId, MailboxId, MessageId, UnixMillis};

use crate::account::change::{Arrived, Change, ChangeKind};
use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::encoding::values::{decode_flags, encode_flags};
use crate::values::flags::FlagChange;
use crate::values::quota::Limits;
use crate::values::special_use::SpecialUse;

impl Change {
    /// The bytes of the row, before they are sealed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.signed(self.at.0);
        out.number(self.modseq);
        match &self.act {
            ChangeKind::Append { mailbox, messages } => {
                out.byte(1);
                out.number(mailbox.0.into());
                out.number(messages.len() as u64);
                messages.iter().for_each(|message| message.encode(&mut out));
            }
            ChangeKind::Flags { mailbox, uids, change } => {
                out.byte(2);
                out.number(mailbox.0.into());
                out.uids(uids);
                out.byte(match change {
                    FlagChange::Set(_) => 0,
                    FlagChange::Add(_) => 1,
                    FlagChange::Remove(_) => 2,
                });
                encode_flags(change.named(), &mut out);
            }
            ChangeKind::Expunge { mailbox, uids, keep } => {
                out.byte(if *keep { 12 } else { 3 });
                out.number(mailbox.0.into());
                out.uids(uids);
            }
            ChangeKind::Copy { from, uids, to } | ChangeKind::Move { from, uids, to } => {
                out.byte(if matches!(self.act, ChangeKind::Copy { .. }) { 4 } else { 5 });
                out.number(from.0.into());
                out.uids(uids);
                out.number(to.0.into());
            }
            ChangeKind::Create { name, uid_validity, special_use } => {
                out.byte(6);
                out.text(name);
                out.number((*uid_validity).into());
                out.byte(SpecialUse::code(*special_use));
            }
            ChangeKind::Delete { mailbox, keep } => {
                out.byte(if *keep { 13 } else { 7 });
                out.number(mailbox.0.into());
            }
            ChangeKind::Rename { names } => {
                out.byte(8);
                out.number(names.len() as u64);
                for (mailbox, name) in names {
                    out.number(mailbox.0.into());
                    out.text(name);
                }
            }
            ChangeKind::Subscribe { name, subscribed } => {
                out.byte(9);
                out.text(name);
                out.byte((*subscribed).into());
            }
            ChangeKind::Hold { case, from, until } => {
                out.byte(10);
                out.number(case.0);
                out.signed(from.0);
                out.signed(until.0);
            }
            ChangeKind::Release { case } => {
                out.byte(11);
                out.number(case.0);
            }
            ChangeKind::Restore { numbers, to } => {
                out.byte(14);
                out.uids(numbers);
                out.number(to.0.into());
            }
            ChangeKind::Forget { numbers } => {
                out.byte(15);
                out.uids(numbers);
            }
            ChangeKind::Limit { limits } => {
                out.byte(16);
                limits.encode(&mut out);
            }
            ChangeKind::Renumber { uid_validity } => {
                out.byte(17);
                out.number((*uid_validity).into());
            }
            ChangeKind::Relocate { segment, offset, slots } => {
                out.byte(18);
                out.number((*segment).into());
                out.number(*offset);
                out.uids(slots);
            }
        }
        out.finish()
    }

    /// The inverse of [`encode`](Self::encode). Another kind, a byte left over: `Malformed`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut input = Reader::new(bytes);
        let at = UnixMillis(input.signed()?);
        let modseq = input.number()?;
        let act = ChangeKind::decode(&mut input)?;
        input.end()?;
        Ok(Self { at, modseq, act })
    }
}

impl ChangeKind {
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match input.byte()? {
            1 => {
                let mailbox = MailboxId(input.small()?);
                let count = input.count()?;
                let messages = (0..count).map(|_| Arrived::decode(input)).collect::<Result<_, _>>()?;
                Self::Append { mailbox, messages }
            }
            2 => {
                let (mailbox, uids, how) = (MailboxId(input.small()?), input.uids()?, input.byte()?);
                let flags = decode_flags(input)?;
                let change = match how {
                    0 => FlagChange::Set(flags),
                    1 => FlagChange::Add(flags),
                    2 => FlagChange::Remove(flags),
                    _ => return Err(Malformed),
                };
                Self::Flags { mailbox, uids, change }
            }
            kind @ (3 | 12) => {
                Self::Expunge { mailbox: MailboxId(input.small()?), uids: input.uids()?, keep: kind == 12 }
            }
            kind @ (4 | 5) => {
                let (from, uids, to) = (MailboxId(input.small()?), input.uids()?, MailboxId(input.small()?));
                if kind == 4 { Self::Copy { from, uids, to } } else { Self::Move { from, uids, to } }
            }
            6 => {
                let (name, uid_validity) = (input.text()?, input.small()?);
                Self::Create { name, uid_validity, special_use: SpecialUse::of_code(input.byte()?).ok_or(Malformed)? }
            }
            kind @ (7 | 13) => Self::Delete { mailbox: MailboxId(input.small()?), keep: kind == 13 },
            8 => {
                let count = input.count()?;
                let names = (0..count).map(|_| Ok((MailboxId(input.small()?), input.text()?)));
                Self::Rename { names: names.collect::<Result<_, _>>()? }
            }
            9 => Self::Subscribe { name: input.text()?, subscribed: input.byte()? != 0 },
            10 => {
                let (case, from) = (CaseId(input.number()?), UnixMillis(input.signed()?));
                Self::Hold { case, from, until: UnixMillis(input.signed()?) }
            }
            11 => Self::Release { case: CaseId(input.number()?) },
            14 => Self::Restore { numbers: input.uids()?, to: MailboxId(input.small()?) },
            15 => Self::Forget { numbers: input.uids()? },
            16 => Self::Limit { limits: Limits::decode(input)? },
            17 => Self::Renumber { uid_validity: input.small()? },
            18 => Self::Relocate { segment: input.small()?, offset: input.number()?, slots: input.uids()? },
            _ => return Err(Malformed),
        })
    }
}

impl Arrived {
    fn encode(&self, out: &mut Writer) {
        out.raw(&self.id.0);
        out.number(self.epoch.0.into());
        out.signed(self.arrival.0);
        out.signed(self.internal_date.0.wrapping_sub(self.arrival.0));
        for number in [self.view_bytes, self.original_bytes, self.prefix_bytes, self.record_bytes, self.segment] {
            out.number(number.into());
        }
        out.number(self.offset);
        encode_flags(&self.flags, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (id, epoch, arrival) = (MessageId(input.id()?), EpochId(input.small()?), UnixMillis(input.signed()?));
        Ok(Self {
            id,
            epoch,
            arrival,
            internal_date: UnixMillis(arrival.0.wrapping_add(input.signed()?)),
            view_bytes: input.small()?,
            original_bytes: input.small()?,
            prefix_bytes: input.small()?,
            record_bytes: input.small()?,
            segment: input.small()?,
            offset: input.number()?,
            flags: decode_flags(input)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::values::flags::FlagSet;
    use crate::values::quota::Limit;
    use crate::values::uid_set::UidSet;

    /// One change of each kind, as in `cases/changes.txt` and in that order.
    fn each_kind() -> Vec<Change> {
        let (inbox, other) = (MailboxId(1), MailboxId(300));
        let uids = UidSet::of_ranges([(1, 1), (5, 200)]);
        let flags = FlagSet::system(FlagSet::SEEN | FlagSet::DRAFT).and_keyword("$Forwarded");
        let arrived = Arrived {
            id: MessageId([0xab; 16]),
            epoch: EpochId(7),
            arrival: UnixMillis(1_795_420_800_000),
            internal_date: UnixMillis(1_795_420_799_000),
            view_bytes: 1234,
            original_bytes: 1000,
            prefix_bytes: 220,
            record_bytes: 300,
            segment: 2,
            offset: 123_456_789,
            flags: flags.clone(),
        };
        let acts = [
            ChangeKind::Append { mailbox: inbox, messages: vec![arrived] },
            ChangeKind::Flags { mailbox: inbox, uids: uids.clone(), change: FlagChange::Add(flags) },
            ChangeKind::Expunge { mailbox: other, uids: uids.clone(), keep: false },
            ChangeKind::Copy { from: inbox, uids: uids.clone(), to: other },
            ChangeKind::Move { from: inbox, uids: uids.clone(), to: other },
            ChangeKind::Create {
                name: "Größe/a".to_owned(),
                uid_validity: 4_000_000_000,
                special_use: Some(SpecialUse::Sent),
            },
            ChangeKind::Delete { mailbox: other, keep: false },
            ChangeKind::Rename { names: vec![(other, "x".to_owned()), (MailboxId(3), "x/y".to_owned())] },
            ChangeKind::Subscribe { name: "INBOX".to_owned(), subscribed: true },
            ChangeKind::Hold { case: CaseId(9), from: UnixMillis(i64::MIN), until: UnixMillis(0) },
            ChangeKind::Release { case: CaseId(9) },
            ChangeKind::Expunge { mailbox: other, uids: uids.clone(), keep: true },
            ChangeKind::Delete { mailbox: other, keep: true },
            ChangeKind::Restore { numbers: uids.clone(), to: other },
            ChangeKind::Forget { numbers: uids.clone() },
            ChangeKind::Limit { limits: Limits { bytes: Limit::At(5_000_000_000), messages: Limit::Unlimited } },
            ChangeKind::Renumber { uid_validity: 4_000_000_000 },
            ChangeKind::Relocate { segment: 300, offset: 123_456_789, slots: uids },
        ];
        acts.into_iter().map(|act| Change { at: UnixMillis(1_795_420_800_123), modseq: 1000, act }).collect()
    }

    #[test]
    fn the_encoding_stands() {
        let cases = include_str!("../../cases/changes.txt");
        let hex: Vec<&str> = cases.lines().filter(|line| !line.starts_with('#')).collect();
        let changes = each_kind();
        let encoded: Vec<String> = changes.iter().map(|change| terms::hex(&change.encode())).collect();
        assert_eq!(encoded, hex);
        for (change, hex) in changes.into_iter().zip(hex) {
            let bytes = terms::unhex(hex).unwrap();
            assert_eq!(Change::decode(&bytes), Ok(change));
            // Cut anywhere, or with one more byte, it is malformed.
            for len in 0..bytes.len() {
                assert_eq!(Change::decode(&bytes[..len]), Err(Malformed));
            }
            assert_eq!(Change::decode(&[bytes, vec![0]].concat()), Err(Malformed));
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_harm(mut bytes: Vec<u8>, kind in 0_u8..20) {
            let _ = Change::decode(&bytes);
            bytes.splice(0..0, [0, 0, kind]);
            let _ = Change::decode(&bytes);
        }
    }
}
