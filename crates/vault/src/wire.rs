//! The words between a node and its vault: how every value that passes is written and read.
//!
//! One strict binary form (integers big-endian, lengths before what varies, nothing left over), so that both sides read
//! the same or refuse. It is not a format at rest: both ends are one program, so it may change with any version.
//!
//! A message may hold a password or a key. It is written into memory that is wiped when it is dropped and when it grows.

pub mod deposit;
mod error;
pub mod frame;
mod nouns;

use terms::Secret;
use zeroize::{Zeroize, Zeroizing};

use crate::encode::Decoder;

/// A value that passes between a node and its vault.
pub trait Wire: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Out);

    /// Reads a value, or `None` when what is there is none.
    fn take(rest: &mut Decoder<'_>) -> Option<Self>;

    /// Appends values in a row. Bytes go in one piece.
    fn put_all(items: &[Self], out: &mut Out) {
        items.iter().for_each(|item| item.put(out));
    }

    /// Reads so many values. Bytes come in one piece.
    fn take_all(count: usize, rest: &mut Decoder<'_>) -> Option<Vec<Self>> {
        // An item has one byte at least: a count that lies reserves no more than the message has.
        let mut items = Vec::with_capacity(count.min(rest.left()));
        for _ in 0..count {
            items.push(Self::take(rest)?);
        }
        Some(items)
    }
}

/// An argument of a call: written as the asker has it, read into a value of its own, and lent from that to the method that
/// answers. A reference is written without a copy of what it refers to.
pub(crate) trait Argument<'a>: Sized {
    /// What it is read into.
    type Owned: Wire;

    /// Appends the argument.
    fn write(&self, out: &mut Out);

    /// The argument, of a value that was read. `None` the second time, where it is moved out.
    fn lend(owned: &'a mut Option<Self::Owned>) -> Option<Self>;
}

impl<'a, T: Wire> Argument<'a> for &'a T {
    type Owned = T;

    fn write(&self, out: &mut Out) {
        Wire::put(*self, out);
    }

    fn lend(owned: &'a mut Option<T>) -> Option<Self> {
        owned.as_ref()
    }
}

impl<'a, T: Wire> Argument<'a> for &'a [T] {
    type Owned = Vec<T>;

    fn write(&self, out: &mut Out) {
        put_slice(self, out);
    }

    fn lend(owned: &'a mut Option<Vec<T>>) -> Option<Self> {
        owned.as_deref()
    }
}

impl<'a> Argument<'a> for &'a str {
    type Owned = String;

    fn write(&self, out: &mut Out) {
        put_slice(self.as_bytes(), out);
    }

    fn lend(owned: &'a mut Option<String>) -> Option<Self> {
        owned.as_deref()
    }
}

impl<'a, T: Wire> Argument<'a> for Option<&'a T> {
    type Owned = Option<T>;

    fn write(&self, out: &mut Out) {
        self.is_some().put(out);
        if let Some(value) = self {
            Wire::put(*value, out);
        }
    }

    fn lend(owned: &'a mut Option<Option<T>>) -> Option<Self> {
        owned.as_ref().map(Option::as_ref)
    }
}

/// Arguments that are given away.
macro_rules! by_value {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::wire::Argument<'_> for $name {
            type Owned = $name;

            fn write(&self, out: &mut $crate::wire::Out) {
                $crate::wire::Wire::put(self, out);
            }

            fn lend(owned: &mut Option<$name>) -> Option<Self> {
                owned.take()
            }
        }
    )*};
}
pub(crate) use by_value;

by_value!(bool, u8, u16, u32, u64, i64, Option<u32>, [u8; 16], [u8; 32]);

fn put_slice<T: Wire>(items: &[T], out: &mut Out) {
    out.count(items.len());
    T::put_all(items, out);
}

/// A message that is being written. Wiped when dropped; what a growing buffer leaves behind is wiped too.
pub struct Out(Zeroizing<Vec<u8>>);

impl Out {
    /// An empty one.
    #[allow(clippy::new_without_default, reason = "nobody needs it")]
    pub fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(256)))
    }

    /// A message with room before it for the head of a frame ([`frame`]).
    pub fn framed() -> Self {
        let mut out = Self::new();
        out.bytes(&[0; frame::HEAD_LEN]);
        out
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let wanted = (self.0.len() + bytes.len()).max(2 * self.0.capacity());
            let mut grown = Zeroizing::new(Vec::with_capacity(wanted));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
    }

    /// How many of something follow.
    pub fn count(&mut self, count: usize) {
        // What does not fit is refused by its reader: nothing of 4 GiB passes.
        self.bytes(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }

    /// The bytes.
    pub fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// The bytes of one value, with room before them for the head of a frame.
pub fn to_frame(value: &impl Wire) -> Zeroizing<Vec<u8>> {
    let mut out = Out::framed();
    value.put(&mut out);
    out.finish()
}

/// The value of these bytes, all of them.
pub fn from_bytes<T: Wire>(bytes: &[u8]) -> Option<T> {
    let mut rest = Decoder::new(&[], bytes)?;
    let value = T::take(&mut rest)?;
    rest.end()?;
    Some(value)
}

/// A struct whose fields are written in a row.
#[macro_export]
#[doc(hidden)]
macro_rules! wire_struct {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::inside::Wire for $name {
            fn put(&self, _out: &mut $crate::inside::Out) {
                $($crate::inside::Wire::put(&self.$field, _out);)*
            }

            fn take(_rest: &mut $crate::inside::Decoder<'_>) -> Option<Self> {
                $(let $field = $crate::inside::Wire::take(_rest)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}
pub(crate) use crate::wire_struct;

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
wire_number!(u16, u32, u64, i64);

impl Wire for u8 {
    fn put(&self, out: &mut Out) {
        out.bytes(&[*self]);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        rest.u8()
    }

    fn put_all(items: &[Self], out: &mut Out) {
        out.bytes(items);
    }

    fn take_all(count: usize, rest: &mut Decoder<'_>) -> Option<Vec<Self>> {
        rest.take(count).map(<[u8]>::to_vec)
    }
}

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

/// Bytes of a fixed number.
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
        put_slice(self.as_bytes(), out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        std::str::from_utf8(rest.bytes()?).ok().map(str::to_owned)
    }
}

/// Secret bytes of any number.
impl Wire for Secret<Vec<u8>> {
    fn put(&self, out: &mut Out) {
        put_slice(self.expose(), out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        rest.bytes().map(|bytes| Self::new(bytes.to_vec()))
    }
}

impl Wire for Secret<String> {
    fn put(&self, out: &mut Out) {
        self.expose().put(out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        String::take(rest).map(Self::new).and_then(deposit::found)
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
        put_slice(self, out);
    }

    fn take(rest: &mut Decoder<'_>) -> Option<Self> {
        let count = usize::try_from(rest.u32()?).ok()?;
        T::take_all(count, rest)
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

macro_rules! wire_tuple {
    ($($name:ident $place:tt),*) => {
        impl<$($name: Wire),*> Wire for ($($name,)*) {
            fn put(&self, out: &mut Out) {
                $(self.$place.put(out);)*
            }

            fn take(rest: &mut Decoder<'_>) -> Option<Self> {
                Some(($($name::take(rest)?,)*))
            }
        }
    };
}
wire_tuple!(A 0, B 1);
wire_tuple!(A 0, B 1, C 2);

/// Values that are written as JSON: what is no secret, is JSON elsewhere too, and refuses unknown fields.
macro_rules! wire_json {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut $crate::wire::Out) {
                // An empty text is not JSON: its reader refuses what could not be written.
                serde_json::to_vec(self).unwrap_or_default().put(out);
            }

            fn take(rest: &mut $crate::encode::Decoder<'_>) -> Option<Self> {
                serde_json::from_slice(rest.bytes()?).ok()
            }
        }
    )*};
}
pub(crate) use wire_json;
