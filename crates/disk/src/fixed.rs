//! Reading fields of headers, which lie at fixed places. That a field lies within its header is checked when the program
//! is compiled, so nothing here can fail.

/// The `N` bytes from byte `AT` on.
#[inline]
#[must_use]
pub fn part<const AT: usize, const N: usize, const LEN: usize>(bytes: &[u8; LEN]) -> [u8; N] {
    const { assert!(AT + N <= LEN, "the field ends beyond its header") };
    let mut part = [0; N];
    part.copy_from_slice(bytes.split_at(AT).1.split_at(N).0);
    part
}

/// The little-endian number in the 4 bytes from byte `AT` on.
#[inline]
#[must_use]
pub fn word<const AT: usize, const LEN: usize>(bytes: &[u8; LEN]) -> u32 {
    u32::from_le_bytes(part::<AT, 4, LEN>(bytes))
}

/// The little-endian number in the 8 bytes from byte `AT` on.
#[inline]
#[must_use]
pub fn long<const AT: usize, const LEN: usize>(bytes: &[u8; LEN]) -> u64 {
    u64::from_le_bytes(part::<AT, 8, LEN>(bytes))
}
