//! The fuzzer's bytes, read as a row of choices. When they are used up every choice is the first one.

/// What is left of the input.
#[derive(Clone, Debug)]
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub fn word(&mut self) -> u16 {
        u16::from(self.byte()) | u16::from(self.byte()) << 8
    }

    /// A number of any size; small ones take few bytes, and the ends of the range are near.
    pub fn long(&mut self) -> u64 {
        let choice = self.byte();
        let bytes = usize::from(choice & 7) + 1;
        let mut out = [0; 8];
        let taken = self.take(bytes);
        out[..taken.len()].copy_from_slice(taken);
        let value = u64::from_le_bytes(out);
        match choice >> 6 {
            0 | 1 => value,
            2 => u64::MAX - value,
            _ => (i64::MAX as u64).wrapping_add(value),
        }
    }

    pub fn signed(&mut self) -> i64 {
        let magnitude = self.long() as i64;
        if self.byte() & 1 == 1 {
            magnitude.wrapping_neg()
        } else {
            magnitude
        }
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let choice = if bound <= 256 {
            usize::from(self.byte())
        } else {
            usize::from(self.word()) | usize::from(self.byte()) << 16
        };
        choice % bound
    }

    /// Up to `count` bytes.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A text of up to 255 bytes.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte());
        String::from_utf8_lossy(self.take(length)).into_owned()
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
