//! Segment files of the log, made and read by hand as `docs/format/log.md` has them.

use crc32fast::hash;

/// Bytes of a segment's header; the frames follow.
pub const HEADER: usize = 4096;
/// Where the mark begins.
pub const MARK: usize = 2048;
/// Bytes of a frame's header.
pub const FRAME: usize = 32;
const BLOCK_CRC: usize = 60;

/// The name of the segment that begins with this record.
pub fn name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The record that a segment's name says it begins with.
pub fn first_of(name: &str) -> Option<u64> {
    name.strip_suffix(".seg")?.parse().ok()
}

/// A segment's header block, and a mark if there is one: sealed, bytes used, last record.
pub fn header(first: u64, version: u32, generation: u32, mark: Option<(bool, u64, u64)>) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[..8].copy_from_slice(b"TMBRLOG\n");
    put(&mut bytes, 8, &version.to_le_bytes());
    put(&mut bytes, 12, &(HEADER as u32).to_le_bytes());
    put(&mut bytes, 32, &first.to_le_bytes());
    put(&mut bytes, 48, &generation.to_le_bytes());
    seal_block(&mut bytes[..MARK]);
    if let Some((sealed, used, last)) = mark {
        let block = &mut bytes[MARK..];
        block[..8].copy_from_slice(b"TMBRMARK");
        put(block, 8, &u32::from(sealed).to_le_bytes());
        put(block, 16, &used.to_le_bytes());
        put(block, 24, &last.to_le_bytes());
        put(block, 32, &last.wrapping_sub(first).wrapping_add(1).to_le_bytes());
        seal_block(block);
    }
    bytes
}

/// Makes a header of version 2 say that the segment is squashed and stands for the records up to `last`.
pub fn squash(header: &mut [u8], last: u64) {
    put(header, 52, &last.to_le_bytes());
    seal_block(&mut header[..MARK]);
}

/// Appends a frame with the checksums that belong to it.
pub fn push_frame(out: &mut Vec<u8>, seq: u64, lag: u32, kind: u8, more: bool, payload: &[u8]) {
    let start = out.len();
    out.resize(start + FRAME, 0);
    out.extend_from_slice(payload);
    out.resize(out.len().next_multiple_of(8), 0);
    let frame = &mut out[start..];
    let length = FRAME + payload.len();
    put(frame, 0, &(length as u32).to_le_bytes());
    put(frame, 8, &seq.to_le_bytes());
    put(frame, 24, &lag.to_le_bytes());
    frame[28] = kind;
    frame[29] = u8::from(more);
    let (crc, check) = frame_checks(&frame[..length]);
    put(frame, 4, &crc.to_le_bytes());
    put(frame, 30, &check.to_le_bytes());
}

/// A frame that holds.
#[derive(Clone, Debug)]
pub struct Frame {
    pub offset: usize,
    /// With its padding.
    pub size: usize,
    pub seq: u64,
    /// The newest record that was durable when it was written.
    pub durable: u64,
    pub payload: Vec<u8>,
}

/// The frames of a segment in which nothing is wrong, up to the first place that holds none.
pub fn frames(file: &[u8]) -> Vec<Frame> {
    let mut found = Vec::new();
    let mut offset = HEADER;
    while let Some(frame) = frame_at(file, offset) {
        offset += frame.size;
        found.push(frame);
    }
    found
}

fn frame_at(file: &[u8], offset: usize) -> Option<Frame> {
    let bytes = file.get(offset..)?;
    let length = u32_at(bytes, 0)? as usize;
    let frame = bytes.get(..length).filter(|_| length >= FRAME)?;
    let (crc, check) = frame_checks(frame);
    if u32_at(frame, 4)? != crc || u16::from_le_bytes([frame[30], frame[31]]) != check {
        return None;
    }
    let seq = u64_at(frame, 8)?;
    let lag = u32_at(frame, 24)?;
    Some(Frame {
        offset,
        size: length.next_multiple_of(8),
        seq,
        durable: if lag == u32::MAX {
            0
        } else {
            seq.saturating_sub(u64::from(lag))
        },
        payload: frame[FRAME..].to_vec(),
    })
}

/// The last record that the segment's mark says was durable, if it has a mark that holds.
pub fn marked(file: &[u8]) -> Option<u64> {
    let block = file.get(MARK..HEADER)?;
    let holds = block.starts_with(b"TMBRMARK") && block_crc(block) == u32_at(block, BLOCK_CRC)?;
    if holds { u64_at(block, 24) } else { None }
}

/// CRC of a frame (without its padding), and the check of its header.
fn frame_checks(frame: &[u8]) -> (u32, u16) {
    let mut header = frame[..FRAME].to_vec();
    header[4..8].fill(0);
    header[30..32].fill(0);
    let check = hash(&header);
    let check = (check ^ (check >> 16)) as u16;
    header[30..32].copy_from_slice(&check.to_le_bytes());
    header.extend_from_slice(&frame[FRAME..]);
    (hash(&header), check)
}

fn seal_block(block: &mut [u8]) {
    let crc = block_crc(block);
    put(block, BLOCK_CRC, &crc.to_le_bytes());
}

fn block_crc(block: &[u8]) -> u32 {
    let mut covered = block.to_vec();
    covered[BLOCK_CRC..BLOCK_CRC + 4].fill(0);
    hash(&covered)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
