//! Bytes in a row: the one way in which the vault writes what it seals, signs, derives from or keeps.
//!
//! Integers are big-endian; text and bytes of varying length carry their length (2 bytes for text, 4 for bytes), so
//! that no two different values have the same encoding.

/// Builds an encoding.
#[derive(Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Begins with fixed bytes: a magic or a context, which no other encoding begins with.
    pub fn new(magic: &[u8]) -> Self {
        Self(magic.to_vec())
    }

    /// Bytes whose number the format fixes.
    pub fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// An byte.
    pub fn u8(self, number: u8) -> Self {
        self.fixed(&[number])
    }

    /// Four bytes.
    pub fn u32(self, number: u32) -> Self {
        self.fixed(&number.to_be_bytes())
    }

    /// Eight bytes.
    pub fn u64(self, number: u64) -> Self {
        self.fixed(&number.to_be_bytes())
    }

    /// Eight bytes, two's complement.
    pub fn i64(self, number: i64) -> Self {
        self.fixed(&number.to_be_bytes())
    }

    /// Text with its length in 2 bytes. Everything written so is a name of bounded length; a longer one is cut, and then
    /// fails to compare equal when it is read.
    pub fn text(self, text: &str) -> Self {
        let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.fixed(&len.to_be_bytes()).fixed(bytes)
    }

    /// Bytes with their length in 4 bytes. Everything written so is a few hundred bytes.
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(len).fixed(bytes)
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads an encoding. Each call gives `None` when there is not enough left or it is malformed.
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Reads what follows `magic`.
    pub fn new(magic: &[u8], bytes: &'a [u8]) -> Option<Self> {
        bytes.strip_prefix(magic).map(Self)
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// So many bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    /// Bytes whose number the format fixes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// An byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Eight bytes, two's complement.
    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// Text with its length in 2 bytes.
    pub fn text(&mut self) -> Option<&'a str> {
        let len = self.array().map(u16::from_be_bytes)?;
        std::str::from_utf8(self.take(usize::from(len))?).ok()
    }

    /// Bytes with their length in 4 bytes.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.take(usize::try_from(len).ok()?)
    }

    /// Succeeds when nothing is left.
    pub fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
