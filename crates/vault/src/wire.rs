//! The words between a node and its vault: how every value that passes is written and read.
//!
//! One strict binary form (integers big-endian, lengths before what varies, nothing left over), so that both sides read
//! the same or refuse. It is no format at rest: both ends are one program, so it may change with any version.
//!
//! A message may hold a password or a key. It is written into memory that is wiped when it is dropped and when it grows.

mod error;
pub(crate) mod frame;
mod nouns;

use terms::Secret;
use zeroize::{Zeroize, Zeroizing};

use crate::encode::Decoder;

/// A value that passes between a node and its vault.
pub(crate) trait Wire: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Out);

    /// Reads a value, or `None` when what is there is none.
    fn take(rest: &mut Decoder<'_>) -> Option<Self>;
}

/// A message that is being written. Wiped when dropped; what a growing buffer leaves behind is wiped too.
pub(crate) struct Out(Zeroizing<Vec<u8>>);

impl Out {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(256)))
    }

    /// A message with room before it for the head of a frame ([`frame`]).
    pub(crate) fn framed() -> Self {
        let mut out = Self::new();
        out.bytes(&[0; frame::HEAD_LEN]);
        out
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let wanted = (self.0.len() + bytes.len()).max(2 * self.0.capacity());
            let mut grown = Zeroizing::new(Vec::with_capacity(wanted));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
    }

    /// How many of something follow.
    pub(crate) fn count(&mut self, count: usize) {
        // What does not fit is refused by its reader: nothing of 4 GiB passes.
        self.bytes(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// The octets of one value, with room before them for the head of a frame.
pub(crate) fn to_frame(value: &impl Wire) -> Zeroizing<Vec<u8>> {
    let mut out = Out::framed();
    value.put(&mut out);
    out.finish()
}

/// The value of these octets, all of them.
pub(crate) fn from_bytes<T: Wire>(bytes: &[u8]) -> Option<T> {
    let mut rest = Decoder::new(&[], bytes)?;
    let value = T::take(&mut rest)?;
    rest.end()?;
    Some(value)
}

/// A struct whose fields are written in a row.
macro_rules! wire_struct {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, _out: &mut $crate::wire::Out) {
                $($crate::wire::Wire::put(&self.$field, _out);)*
            }

            fn take(_rest: &mut $crate::encode::Decoder<'_>) -> Option<Self> {
                $(let $field = $crate::wire::Wire::take(_rest)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}
pub(crate) use wire_struct;

macro_rules! wire_number {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            fn put(&self, out: &mut Out) {
                out.bytes(&self.to_be_bytes());
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                rest.array().map(<$number>::from_be_bytes)
            }
        }
    )*};
}
wire_number!(u8, u16, u32, u64, i64);

impl Wire for bool {
    fn put(&self, out: &mut Out) {
        u8::from(*self).put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        match rest.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for () {
    fn put(&self, _: &mut Out) {}

    fn take(_: &mut Decoder<'_>) -> Option<Self> {
        Some(())
    }
}

/// Octets of a fixed number.
impl<const N: usize> Wire for [u8; N] {
    fn put(&self, out: &mut Out) {
        out.bytes(self);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        rest.array()
    }
}

impl Wire for String {
    fn put(&self, out: &mut Out) {
        Octets::write(self.as_bytes(), out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        std::str::from_utf8(rest.octets()?).ok().map(str::to_owned)
    }
}

/// Octets of any number, copied in one piece.
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl Octets {
    fn write(bytes: &[u8], out: &mut Out) {
        out.count(bytes.len());
        out.bytes(bytes);
    }
}

impl Wire for Octets {
    fn put(&self, out: &mut Out) {
        Self::write(&self.0, out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        rest.octets().map(|bytes| Self(bytes.to_vec()))
    }
}

/// Secret octets of any number.
impl Wire for Secret<Vec<u8>> {
    fn put(&self, out: &mut Out) {
        Octets::write(self.expose(), out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        rest.octets().map(|bytes| Self::new(bytes.to_vec()))
    }
}

impl Wire for Secret<String> {
    fn put(&self, out: &mut Out) {
        self.expose().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        String::take(rest).map(Self::new)
    }
}

impl<T: Wire + Zeroize> Wire for Zeroizing<T> {
    fn put(&self, out: &mut Out) {
        (**self).put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        T::take(rest).map(Self::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Out) {
        out.count(self.len());
        self.iter().for_each(|item| item.put(out));
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let count = usize::try_from(rest.u32()?).ok()?;
        // An item has one octet at least: a count that lies reserves no more than the message has.
        let mut items = Vec::with_capacity(count.min(rest.left()));
        for _ in 0..count {
            items.push(T::take(rest)?);
        }
        Some(items)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Out) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        if bool::take(rest)? { T::take(rest).map(Some) } else { Some(None) }
    }
}

impl<T: Wire, E: Wire> Wire for Result<T, E> {
    fn put(&self, out: &mut Out) {
        self.is_ok().put(out);
        match self {
            Ok(value) => value.put(out),
            Err(error) => error.put(out),
        }
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        if bool::take(rest)? { T::take(rest).map(Ok) } else { E::take(rest).map(Err) }
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Out) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        Some((A::take(rest)?, B::take(rest)?))
    }
}

/// A value that is written as JSON: what is no secret, is JSON elsewhere too, and refuses unknown fields.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: serde::Serialize + serde::de::DeserializeOwned> Wire for Json<T> {
    fn put(&self, out: &mut Out) {
        // An empty text is no JSON: its reader refuses what could not be written.
        Octets::write(&serde_json::to_vec(&self.0).unwrap_or_default(), out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        serde_json::from_slice(rest.octets()?).ok().map(Self)
    }
}
