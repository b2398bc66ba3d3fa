//! The record of a message: what a client asks of every message in a list, made once at delivery and sealed beside the
//! original, so that a list of 20,000 messages opens no original. The format is in `docs/formats/record.md`.
//!
//! It is a cache of the original's view (without the prefix): when it is lost or damaged it is derived again.

use std::fmt;

use message::{Day, Structure};
use terms::UnixMillis;

/// The first byte of a record: its fields follow as they are.
const PLAIN: u8 = 1;

/// The first byte of a record: its fields follow as a zstd frame, after their length.
const PACKED: u8 = 2;

/// How long packed fields may be. Records consist of headers and structures, whose limits are far lower; nothing longer is
/// unpacked.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// The fields' numbers. A number is never reused for another field.
mod field {
    pub(super) const ENVELOPE: u64 = 1;
    pub(super) const BODYSTRUCTURE: u64 = 2;
    pub(super) const BODY: u64 = 3;
    pub(super) const PREVIEW: u64 = 4;
    pub(super) const SENT: u64 = 5;
    pub(super) const HEADER: u64 = 6;
    pub(super) const VIEW: u64 = 7;
}

/// What is known of a message without opening it. Everything describes the view of the original, without the prefix.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The ENVELOPE as sent to clients (RFC 9051 section 7.5.2).
    pub envelope: Vec<u8>,
    /// BODYSTRUCTURE with extension data, as sent to clients.
    pub bodystructure: Vec<u8>,
    /// BODY without extension data, as sent to clients.
    pub body: Vec<u8>,
    /// The first words of the text, UTF-8 (RFC 8970).
    pub preview: String,
    /// The Date field: the moment, and the day by the sender's clock (RFC 9051 section 6.4.4).
    pub sent: Option<(UnixMillis, Day)>,
    /// The header's length in bytes, including its empty line.
    pub header_bytes: u64,
    /// The view's length in bytes.
    pub view_bytes: u64,
    /// Whether the view is identical to the original: then a range of it can be opened without the rest.
    pub verbatim: bool,
}

/// The bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordError;

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record of a message is damaged; it can be derived from the original")
    }
}

impl std::error::Error for RecordError {}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} bytes of view)", self.view_bytes)
    }
}

impl Record {
    /// The record of an original and its view.
    pub fn of(original: &[u8], view: &[u8]) -> Self {
        let structure = Structure::parse(view);
        Self {
            envelope: message::envelope_wire(view),
            bodystructure: message::bodystructure_wire(view, &structure, true),
            body: message::bodystructure_wire(view, &structure, false),
            preview: message::preview(view, &structure),
            sent: message::sent_at(view).zip(message::sent_date(view)),
            header_bytes: message::header_len(view) as u64,
            view_bytes: view.len() as u64,
            verbatim: original == view,
        }
    }

    /// The bytes to seal: packed if that is shorter.
    pub fn encode(&self) -> Vec<u8> {
        let plain = self.encode_plain();
        let fields = &plain[1..];
        let packed = crate::packing::pack(fields).filter(|_| fields.len() as u64 <= UNPACKED_BYTES_MAX);
        let Some(packed) = packed else { return plain };
        let mut out = Vec::with_capacity(packed.len() + 10);
        out.push(PACKED);
        put_varint(&mut out, fields.len() as u64);
        out.extend_from_slice(&packed);
        if out.len() < plain.len() { out } else { plain }
    }

    /// The fields as they are.
    fn encode_plain(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(
            self.envelope.len() + self.bodystructure.len() + self.body.len() + self.preview.len() + 64,
        );
        out.push(PLAIN);
        put(&mut out, field::ENVELOPE, &self.envelope);
        put(&mut out, field::BODYSTRUCTURE, &self.bodystructure);
        put(&mut out, field::BODY, &self.body);
        put(&mut out, field::PREVIEW, self.preview.as_bytes());
        if let Some((moment, day)) = self.sent {
            let mut value = moment.0.to_be_bytes().to_vec();
            value.extend(day.year.to_be_bytes());
            value.extend([day.month, day.day]);
            put(&mut out, field::SENT, &value);
        }
        put(&mut out, field::HEADER, &self.header_bytes.to_be_bytes());
        let mut value = self.view_bytes.to_be_bytes().to_vec();
        value.push(u8::from(self.verbatim));
        put(&mut out, field::VIEW, &value);
        out
    }

    /// The inverse of [`encode`](Record::encode). Unknown fields are skipped; missing fields
    /// have their empty value.
    ///
    /// # Errors
    /// An unknown first byte, or bytes that are not fields.
    pub fn decode(octets: &[u8]) -> Result<Self, RecordError> {
        let (&form, rest) = octets.split_first().ok_or(RecordError)?;
        match form {
            PLAIN => Self::of_fields(rest),
            PACKED => {
                let (length, packed) = varint(rest).ok_or(RecordError)?;
                let length = usize::try_from(length).ok().filter(|_| length <= UNPACKED_BYTES_MAX);
                let fields = length.and_then(|length| crate::packing::unpack(packed, length));
                Self::of_fields(&fields.ok_or(RecordError)?)
            }
            _ => Err(RecordError),
        }
    }

    fn of_fields(mut rest: &[u8]) -> Result<Self, RecordError> {
        let mut record = Self::default();
        while !rest.is_empty() {
            let (number, after) = varint(rest).ok_or(RecordError)?;
            let (length, after) = varint(after).ok_or(RecordError)?;
            let (value, after) =
                usize::try_from(length).ok().and_then(|length| after.split_at_checked(length)).ok_or(RecordError)?;
            record.take(number, value)?;
            rest = after;
        }
        Ok(record)
    }

    fn take(&mut self, number: u64, value: &[u8]) -> Result<(), RecordError> {
        match number {
            field::ENVELOPE => self.envelope = value.to_vec(),
            field::BODYSTRUCTURE => self.bodystructure = value.to_vec(),
            field::BODY => self.body = value.to_vec(),
            field::PREVIEW => self.preview = String::from_utf8(value.to_vec()).map_err(|_| RecordError)?,
            field::SENT => {
                let (moment, day) = value.split_first_chunk::<8>().ok_or(RecordError)?;
                let &[y0, y1, month, day] = day else { return Err(RecordError) };
                let day = Day { year: u16::from_be_bytes([y0, y1]), month, day };
                self.sent = Some((UnixMillis(i64::from_be_bytes(*moment)), day));
            }
            field::HEADER => self.header_bytes = u64::from_be_bytes(value.try_into().map_err(|_| RecordError)?),
            field::VIEW => {
                let (length, verbatim) = value.split_first_chunk::<8>().ok_or(RecordError)?;
                self.view_bytes = u64::from_be_bytes(*length);
                self.verbatim = verbatim == [1];
            }
            _ => {}
        }
        Ok(())
    }
}

/// Number, length, value.
fn put(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    put_varint(out, number);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// LEB128: seven bits per byte, least significant first.
fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint(octets: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, &octet) in octets.iter().enumerate().take(9) {
        number |= u64::from(octet & 0x7f) << (7 * index);
        if octet & 0x80 == 0 {
            return Some((number, &octets[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"From: Ann <ann@ie.example>\r\nSubject: hello\r\nDate: Sat, 29 Feb 2020 23:30:00 -0500\r\n\r\n\
        A line of text.\r\n";

    #[test]
    fn there_and_back() {
        for original in [MESSAGE, b"", b"no header at all", b"\r\n", b"A: b\n\nx\0\n", &[0xff; 300]] {
            let view = message::view(original);
            let record = Record::of(original, &view);
            assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
            assert_eq!(record.verbatim, original == &*view);
        }
        let record = Record::of(MESSAGE, MESSAGE);
        assert_eq!(record.preview, "A line of text.");
        assert_eq!(record.header_bytes, MESSAGE.len() as u64 - 17);
        let (moment, day) = record.sent.unwrap();
        assert_eq!((moment.rfc3339().as_str(), day.month, day.day), ("2020-03-01T04:30:00Z", 2, 29));
    }

    /// The worked example of `docs/formats/record.md`.
    #[test]
    fn as_the_page_says() {
        let record = Record {
            envelope: b"(E)".to_vec(),
            bodystructure: b"(S)".to_vec(),
            body: b"(B)".to_vec(),
            preview: "Hé".to_owned(),
            sent: Some((UnixMillis(946_684_800_000), Day { year: 2000, month: 1, day: 1 })),
            header_bytes: 300,
            view_bytes: 70_000,
            verbatim: true,
        };
        let fields = "0103284529 0203285329 0303284229 040348c3a9 050c000000dc6acfac0007d00101 \
                      0608000000000000012c 0709000000000001117001"
            .replace(' ', "");
        let plain = format!("01{fields}");
        assert_eq!(terms::hex(&record.encode_plain()), plain);
        assert_eq!(Record::decode(&terms::unhex(&plain).unwrap()), Ok(record.clone()));
        // A frame of one block that is not compressed.
        let packed = format!("0237 28b52ffd 2037 b90100 {fields}").replace(' ', "");
        assert_eq!(Record::decode(&terms::unhex(&packed).unwrap()), Ok(record));
    }

    #[test]
    fn a_record_of_usual_length_is_packed() {
        let original = [MESSAGE, &b"A line of text.\r\n".repeat(40)].concat();
        let record = Record::of(&original, &original);
        let (packed, plain) = (record.encode(), record.encode_plain());
        assert_eq!((packed[0], plain[0]), (PACKED, PLAIN));
        assert!(packed.len() < plain.len());
        assert_eq!(Record::decode(&packed), Ok(record.clone()));
        assert_eq!(Record::decode(&plain), Ok(record));
        for at in 1..packed.len() {
            let mut other = packed.clone();
            other[at] ^= 0x41;
            let _ = Record::decode(&other);
            let _ = Record::decode(&packed[..at]);
        }
        // A length that is too long is refused before anything is unpacked.
        assert_eq!(Record::decode(&[PACKED, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x28, 0xb5, 0x2f, 0xfd]), Err(RecordError));
    }

    #[test]
    fn an_unknown_field_is_passed_over() {
        let record = Record::of(MESSAGE, MESSAGE);
        let mut octets = record.encode_plain();
        put(&mut octets, 200, b"unknown");
        assert_eq!(Record::decode(&octets), Ok(record));
    }

    #[test]
    fn damage_is_said() {
        let octets = Record::of(MESSAGE, MESSAGE).encode_plain();
        for end in 0..octets.len() {
            let _ = Record::decode(&octets[..end]);
        }
        assert_eq!(Record::decode(b""), Err(RecordError));
        assert_eq!(Record::decode(&[2]), Err(RecordError));
        assert_eq!(Record::decode(&[3]), Err(RecordError));
        assert_eq!(Record::decode(&[1, 1, 5, 0]), Err(RecordError));
        assert_eq!(Record::decode(&[1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), Err(RecordError));
        assert_eq!(Record::decode(&[1, 4, 1, 0xff]), Err(RecordError));
        assert_eq!(Record::decode(&[1, 5, 3, 0, 0, 0]), Err(RecordError));
    }
}
