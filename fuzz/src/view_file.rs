//! The checksums of view files, as `docs/format/views.md` has them.

use crc32fast::hash;

const HEADER: usize = 128;
const ENTRY: usize = 128;

/// Gives a checkpoint the magic, version and checksum that it must have to be read on.
pub fn reseal_checkpoint(bytes: &mut [u8]) {
    if bytes.len() < 16 {
        return;
    }
    bytes[..8].copy_from_slice(b"TLVIEWCP");
    bytes[8..12].copy_from_slice(&1u32.to_le_bytes());
    let crc = hash(&bytes[16..]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
}

/// The same for a view segment: every block that lies in the file, the index, the dictionary, the header; and its
/// length, and where the dictionary begins.
pub fn reseal_segment(bytes: &mut [u8]) {
    if bytes.len() < HEADER {
        return;
    }
    bytes[..8].copy_from_slice(b"TLVIEWSG");
    bytes[8..12].copy_from_slice(&1u32.to_le_bytes());
    let length = bytes.len();
    put(bytes, 96, length as u64);
    let blocks = u64::from(u32_at(bytes, 20).unwrap_or(0));
    let index = u64_at(bytes, 80).unwrap_or(0);
    let dictionary = blocks
        .checked_mul(ENTRY as u64)
        .and_then(|size| index.checked_add(size)?.checked_add(4));
    if let Some(dictionary) = dictionary.filter(|at| *at <= length as u64) {
        put(bytes, 88, dictionary);
        let (index, dictionary) = (index as usize, dictionary as usize);
        (0..blocks as usize).for_each(|block| reseal_block(bytes, index + block * ENTRY));
        reseal_section(bytes, index, dictionary);
        reseal_section(bytes, dictionary, length);
    }
    let crc = hash(&bytes[..HEADER - 4]);
    bytes[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
}

fn reseal_block(bytes: &mut [u8], entry: usize) {
    let (Some(offset), Some(length)) = (u64_at(bytes, entry), u32_at(bytes, entry + 8)) else {
        return;
    };
    let end = offset
        .checked_add(u64::from(length))
        .filter(|end| *end <= bytes.len() as u64);
    if let Some(end) = end {
        let crc = hash(&bytes[offset as usize..end as usize]);
        bytes[entry + 12..entry + 16].copy_from_slice(&crc.to_le_bytes());
    }
}

fn reseal_section(bytes: &mut [u8], from: usize, to: usize) {
    if let Some(end) = to.checked_sub(4).filter(|end| *end >= from) {
        let crc = hash(&bytes[from..end]);
        bytes[end..to].copy_from_slice(&crc.to_le_bytes());
    }
}

fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
