//! Decimal digits to and from bytes, two at a time: formatting is on the path of every event that is answered.

// Tables and buffers of fixed size, with indexes made here; nothing that came from outside is an index.
#![allow(clippy::indexing_slicing)]

/// "00" to "99".
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

/// The two digits of a number below 100.
#[inline]
pub(super) fn pair(n: u32) -> [u8; 2] {
    debug_assert!(n < 100, "{n} has more than two digits");
    PAIRS[n as usize % 100]
}

/// Nine digits, as of nanoseconds.
#[inline]
pub(super) fn nine(n: u32) -> [u8; 9] {
    debug_assert!(n < 1_000_000_000, "{n} has more than nine digits");
    let [a, b] = pair(n / 10_000_000);
    let [c, d] = pair(n / 100_000 % 100);
    let [e, f] = pair(n / 1_000 % 100);
    let [g, h] = pair(n / 10 % 100);
    [a, b, c, d, e, f, g, h, b'0' + (n % 10) as u8]
}

/// Appends a number without leading zeros.
#[inline]
pub(crate) fn push_u64(out: &mut Vec<u8>, mut n: u64) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    while n >= 10 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&pair((n % 100) as u32));
        n /= 100;
    }
    // What is left is one digit, unless the number had an even count of them; 0 itself is written too.
    if n > 0 || at == buffer.len() {
        at -= 1;
        buffer[at] = b'0' + n as u8;
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Two ASCII digits as a number, or a number of 100 and more when they are not digits: one comparison afterwards
/// checks several of them at once.
#[inline]
pub(super) fn two(tens: u8, ones: u8) -> u32 {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        NOT_DIGITS
    } else {
        u32::from(tens) * 10 + u32::from(ones)
    }
}

/// What [`two`] answers for anything but digits; greater than any field of a date.
pub(super) const NOT_DIGITS: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_written_as_std_writes_them(n in any::<u64>(), shift in 0u32..64) {
            let n = n >> shift;
            let mut out = Vec::new();
            push_u64(&mut out, n);
            prop_assert_eq!(String::from_utf8(out).unwrap(), n.to_string());
        }

        #[test]
        fn nine_digits_are_padded(n in 0u32..1_000_000_000) {
            prop_assert_eq!(nine(n).to_vec(), format!("{n:09}").into_bytes());
        }
    }

    #[test]
    fn small_numbers_are_written_as_std_writes_them() {
        for n in 0..=10_100u64 {
            let mut out = Vec::new();
            push_u64(&mut out, n);
            assert_eq!(out, n.to_string().as_bytes());
        }
    }

    #[test]
    fn anything_but_digits_is_no_number() {
        for tens in 0..=255u8 {
            for ones in 0..=255u8 {
                let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
                assert_eq!(two(tens, ones) < 100, digits, "{tens} {ones}");
            }
        }
    }
}
