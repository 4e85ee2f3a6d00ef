//! The distinct data objects of a segment, taken apart: values once each, objects as a shape and its values.
//!
//! A browser tab's object differs from the next in one counter, its title and URL are among some thousand. So an
//! object is stored as the number of its shape (its keys) and the numbers of its values: ten bytes instead of two
//! hundred, and a search for a title looks at each title once.
//!
//! Three tables: `values` (JSON texts of keys and values), `shapes` (varints: numbers of the keys), `objects`
//! (varints: number of the shape, then one value number for each of its keys).

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use timberline_model::data::Members;

/// Strings whose narrow offsets are relative to the same whole one.
const GROUP: usize = 16;

/// Distinct byte strings, numbered in order of appearance.
#[derive(Debug)]
struct Strings {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    index: HashTable<u32>,
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// A string that was gathered; `offsets` has the ends of all.
fn slice<'a>(bytes: &'a [u8], offsets: &[u32], i: u32) -> &'a [u8] {
    let i = i as usize;
    debug_assert!(
        i + 1 < offsets.len(),
        "string {i} of {} was never added",
        offsets.len() - 1
    );
    match (offsets.get(i), offsets.get(i + 1)) {
        (Some(from), Some(to)) => bytes.get(*from as usize..*to as usize).unwrap_or_default(),
        _ => &[],
    }
}

impl Strings {
    fn new() -> Strings {
        Strings {
            bytes: Vec::new(),
            offsets: vec![0],
            index: HashTable::new(),
        }
    }

    fn intern(&mut self, s: &[u8]) -> u32 {
        let Strings {
            bytes,
            offsets,
            index,
        } = self;
        let h = hash(s);
        if let Some(found) = index.find(h, |i| slice(bytes, offsets, *i) == s) {
            return *found;
        }
        let number = offsets.len() as u32 - 1;
        bytes.extend_from_slice(s);
        offsets.push(bytes.len() as u32);
        index.insert_unique(h, number, |i| hash(slice(bytes, offsets, *i)));
        number
    }

    /// Adds a string under the next number, whether it is there already or not.
    fn push(&mut self, s: &[u8]) {
        self.bytes.extend_from_slice(s);
        self.offsets.push(self.bytes.len() as u32);
    }

    fn len(&self) -> u32 {
        self.offsets.len() as u32 - 1
    }

    /// count u32 | length of the bytes u32 | width u32 | offsets | bytes
    ///
    /// Offsets are whole (`width` 4: count + 1 times u32), or, when no [`GROUP`] strings together reach 64 KiB, one
    /// u32 for each group and an u16 relative to it for each string (`width` 2).
    fn write(&self, out: &mut Vec<u8>) {
        let narrow = self.is_narrow();
        for n in [self.len(), self.bytes.len() as u32, if narrow { 2 } else { 4 }] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        if narrow {
            for first in self.offsets.iter().step_by(GROUP) {
                out.extend_from_slice(&first.to_le_bytes());
            }
            for group in self.offsets.chunks(GROUP) {
                let first = group.first().copied().unwrap_or(0);
                group
                    .iter()
                    .for_each(|o| out.extend_from_slice(&((o - first) as u16).to_le_bytes()));
            }
        } else {
            self.offsets
                .iter()
                .for_each(|o| out.extend_from_slice(&o.to_le_bytes()));
        }
        out.extend_from_slice(&self.bytes);
    }

    fn is_narrow(&self) -> bool {
        let reach = |group: &[u32]| {
            group
                .last()
                .zip(group.first())
                .map_or(0, |(last, first)| last - first)
        };
        self.offsets
            .chunks(GROUP)
            .all(|group| reach(group) <= u32::from(u16::MAX))
    }

    fn size(&self) -> usize {
        let offsets = self.offsets.len();
        let width = if self.is_narrow() {
            2 * offsets + 4 * offsets.div_ceil(GROUP)
        } else {
            4 * offsets
        };
        12 + width + self.bytes.len()
    }
}

/// Gathers the objects of a segment that is being built.
#[derive(Debug)]
pub(crate) struct DictionaryBuilder {
    values: Strings,
    shapes: Strings,
    objects: Strings,
    scratch: Vec<u8>,
    numbers: Vec<u32>,
}

impl DictionaryBuilder {
    pub(crate) fn new() -> DictionaryBuilder {
        DictionaryBuilder {
            values: Strings::new(),
            shapes: Strings::new(),
            objects: Strings::new(),
            scratch: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The number of this object, a canonical JSON text.
    pub(crate) fn add_text(&mut self, text: &str) -> u32 {
        let shape = self.take_apart(text);
        self.add_object(shape)
    }

    /// Gives this object the next number, whether it has one already or not: for a dictionary whose numbers are given.
    pub(crate) fn push_text(&mut self, text: &str) {
        let shape = self.take_apart(text);
        self.write_object(shape);
        self.objects.push(&self.scratch);
    }

    fn take_apart(&mut self, text: &str) -> u32 {
        self.scratch.clear();
        self.numbers.clear();
        for (key, value) in Members::of(text) {
            let key = self.values.intern(key.as_bytes());
            write_varint(key, &mut self.scratch);
            self.numbers.push(self.values.intern(value.as_bytes()));
        }
        self.shapes.intern(&self.scratch)
    }

    /// The number of an object of another segment; `known` remembers the values of that segment that were seen. `None` if
    /// that segment has no such object, or the object refers to a shape or value that the segment does not have.
    pub(crate) fn add_foreign(
        &mut self,
        from: &Dictionary<'_>,
        object: u32,
        known: &mut Vec<u32>,
    ) -> Option<u32> {
        known.resize(from.values.len() as usize, u32::MAX);
        let mut number = |values: &mut Strings, n: u32| {
            let slot = known.get_mut(n as usize)?;
            if *slot == u32::MAX {
                *slot = values.intern(from.values.find(n)?);
            }
            Some(*slot)
        };
        let mut members = Varints(from.objects.find(object)?);
        let shape = members.next()?;
        self.scratch.clear();
        for key in Varints(from.shapes.find(shape)?) {
            write_varint(number(&mut self.values, key)?, &mut self.scratch);
        }
        self.numbers.clear();
        for value in members {
            self.numbers.push(number(&mut self.values, value)?);
        }
        let shape = self.shapes.intern(&self.scratch);
        Some(self.add_object(shape))
    }

    fn add_object(&mut self, shape: u32) -> u32 {
        self.write_object(shape);
        self.objects.intern(&self.scratch)
    }

    fn write_object(&mut self, shape: u32) {
        self.scratch.clear();
        write_varint(shape, &mut self.scratch);
        for n in &self.numbers {
            write_varint(*n, &mut self.scratch);
        }
    }

    /// How many objects there are.
    pub(crate) fn objects(&self) -> u32 {
        self.objects.len()
    }

    /// Bytes the dictionary will take.
    pub(crate) fn size(&self) -> usize {
        [&self.values, &self.shapes, &self.objects]
            .iter()
            .map(|s| s.size())
            .sum()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.values.write(out);
        self.shapes.write(out);
        self.objects.write(out);
    }
}

/// One table as it lies in the mapping.
#[derive(Clone, Copy, Debug)]
struct Table<'a> {
    count: u32,
    /// Whole offsets: of all strings, or of each group's first.
    whole: &'a [u8],
    /// Offsets relative to those, when they are narrow.
    narrow: Option<&'a [u8]>,
    bytes: &'a [u8],
}

fn u32_at(bytes: &[u8], i: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(i * 4..)?.first_chunk::<4>()?))
}

impl<'a> Table<'a> {
    fn parse(bytes: &'a [u8]) -> Option<(Table<'a>, &'a [u8])> {
        let (count, length, width) = (u32_at(bytes, 0)?, u32_at(bytes, 1)?, u32_at(bytes, 2)?);
        let rest = bytes.get(12..)?;
        let offsets = count as usize + 1;
        let (whole, narrow, rest) = match width {
            4 => {
                let (whole, rest) = rest.split_at_checked(offsets * 4)?;
                (whole, None, rest)
            }
            2 => {
                let (whole, rest) = rest.split_at_checked(offsets.div_ceil(GROUP) * 4)?;
                let (narrow, rest) = rest.split_at_checked(offsets * 2)?;
                (whole, Some(narrow), rest)
            }
            _ => return None,
        };
        let (bytes, rest) = rest.split_at_checked(length as usize)?;
        Some((
            Table {
                count,
                whole,
                narrow,
                bytes,
            },
            rest,
        ))
    }

    fn len(&self) -> u32 {
        self.count
    }

    fn offset(&self, i: usize) -> Option<usize> {
        match self.narrow {
            None => Some(u32_at(self.whole, i)? as usize),
            Some(narrow) => {
                let relative = u16::from_le_bytes(*narrow.get(i * 2..)?.first_chunk::<2>()?);
                Some(u32_at(self.whole, i / GROUP)? as usize + usize::from(relative))
            }
        }
    }

    fn find(&self, i: u32) -> Option<&'a [u8]> {
        let (from, to) = (self.offset(i as usize)?, self.offset(i as usize + 1)?);
        self.bytes.get(from..to)
    }

    /// A string that the table has; see [`Dictionary::is_sound`]. Nothing if the file was cut short under its mapping a
    /// moment ago, which whoever reads looks at afterwards.
    fn get(&self, i: u32) -> &'a [u8] {
        self.find(i).unwrap_or_default()
    }

    /// Whether each string lies within the bytes.
    fn is_sound(&self) -> bool {
        let mut before = Some(0);
        (0..=self.count as usize).all(|i| {
            let offset = self.offset(i);
            let grows = offset >= before && offset.is_some_and(|offset| offset <= self.bytes.len());
            before = offset;
            grows
        })
    }
}

/// The dictionary of a segment, read from its mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dictionary<'a> {
    values: Table<'a>,
    shapes: Table<'a>,
    objects: Table<'a>,
}

impl<'a> Dictionary<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Dictionary<'a>> {
        let (values, rest) = Table::parse(bytes)?;
        let (shapes, rest) = Table::parse(rest)?;
        let (objects, _) = Table::parse(rest)?;
        Some(Dictionary {
            values,
            shapes,
            objects,
        })
    }

    /// Whether each object has a shape and a value for each key of it, all of which are there. Then everything below an
    /// object's number can be read, and nothing has to be made up.
    pub(crate) fn is_sound(&self) -> bool {
        let tables = [&self.values, &self.shapes, &self.objects];
        if !tables.iter().all(|table| table.is_sound()) || !self.values_are_text() {
            return false;
        }
        let shapes = 0..self.shapes.len();
        let keys: Option<Vec<usize>> = shapes
            .map(|shape| self.count_values(Varints(self.shapes.get(shape))))
            .collect();
        let Some(keys) = keys else { return false };
        (0..self.objects.len()).all(|object| {
            let (shape, values) = self.object(object);
            let keys = keys.get(shape as usize).copied();
            keys.is_some() && self.count_values(values) == keys
        })
    }

    /// How many these are, if they are numbers of values and nothing else.
    fn count_values(&self, mut numbers: Varints<'_>) -> Option<usize> {
        let mut count = 0;
        for number in numbers.by_ref() {
            if number >= self.values.len() {
                return None;
            }
            count += 1;
        }
        numbers.0.is_empty().then_some(count)
    }

    /// Whether the values are UTF-8, each by itself.
    fn values_are_text(&self) -> bool {
        std::str::from_utf8(self.values.bytes).is_ok_and(|text| {
            (0..=self.values.len() as usize)
                .all(|i| self.values.offset(i).is_some_and(|at| text.is_char_boundary(at)))
        })
    }

    pub(crate) fn objects(&self) -> u32 {
        self.objects.len()
    }

    fn object(&self, i: u32) -> (u32, Varints<'a>) {
        let mut numbers = Varints(self.objects.get(i));
        (numbers.next().unwrap_or(u32::MAX), numbers)
    }

    /// Distinct texts of keys and values.
    pub(crate) fn values(&self) -> u32 {
        self.values.len()
    }

    /// The texts of all keys and values, one after the other.
    pub(crate) fn all_values(&self) -> &'a [u8] {
        self.values.bytes
    }

    /// Where a key or value begins in those.
    pub(crate) fn value_offset(&self, number: u32) -> Option<usize> {
        self.values.offset(number as usize)
    }

    /// A key or value that is there, JSON text.
    pub(crate) fn value(&self, number: u32) -> &'a str {
        std::str::from_utf8(self.values.get(number)).unwrap_or_default()
    }

    /// The same as bytes.
    pub(crate) fn value_bytes(&self, number: u32) -> &'a [u8] {
        self.values.get(number)
    }

    /// The numbers of an object's keys and values.
    pub(crate) fn members(&self, object: u32) -> impl Iterator<Item = (u32, u32)> {
        let (shape, values) = self.object(object);
        Varints(self.shapes.get(shape)).zip(values)
    }

    /// The numbers of an object's values alone.
    pub(crate) fn values_of(&self, object: u32) -> impl Iterator<Item = u32> {
        self.object(object).1
    }

    /// Appends the canonical JSON text of an object.
    pub(crate) fn write_text(&self, object: u32, out: &mut Vec<u8>) {
        let (shape, values) = self.object(object);
        out.push(b'{');
        for (i, (key, value)) in Varints(self.shapes.get(shape)).zip(values).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.values.get(key));
            out.push(b':');
            out.extend_from_slice(self.values.get(value));
        }
        out.push(b'}');
    }
}

/// LEB128 numbers, one after the other.
struct Varints<'a>(&'a [u8]);

impl Iterator for Varints<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for (i, byte) in self.0.iter().enumerate().take(5) {
            value |= u32::from(byte & 0x7f) << (7 * i as u32);
            if byte & 0x80 == 0 {
                self.0 = self.0.get(i + 1..).unwrap_or_default();
                return Some(value);
            }
        }
        None
    }
}

fn write_varint(mut n: u32, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 6] = [
        "{}",
        r#"{"app":"a,b:c","title":"q \" } \\"}"#,
        r#"{"a":{"x":[1,{"y":null}],"z":true},"b":[]}"#,
        r#"{"":"empty"," ":1.5}"#,
        r#"{"app":"a,b:c","title":"other"}"#,
        r#"{"ö":"日本"}"#,
    ];

    fn text(d: &Dictionary<'_>, i: u32) -> String {
        let mut out = Vec::new();
        d.write_text(i, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_come_back_as_they_were() {
        let mut builder = DictionaryBuilder::new();
        let numbers: Vec<u32> = TEXTS.iter().map(|t| builder.add_text(t)).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        assert_eq!(builder.add_text(TEXTS[2]), 2);
        let mut bytes = Vec::new();
        builder.write(&mut bytes);
        assert_eq!(bytes.len(), builder.size());
        let dictionary = Dictionary::parse(&bytes).unwrap();
        for (i, t) in TEXTS.iter().enumerate() {
            assert_eq!(text(&dictionary, i as u32), *t);
        }
        let mut merged = DictionaryBuilder::new();
        merged.add_text(r#"{"unrelated":0}"#);
        let mut known = Vec::new();
        let moved: Vec<u32> = (0..6)
            .map(|i| merged.add_foreign(&dictionary, i, &mut known).unwrap())
            .collect();
        assert_eq!(merged.add_foreign(&dictionary, 6, &mut known), None);
        let mut bytes = Vec::new();
        merged.write(&mut bytes);
        let merged = Dictionary::parse(&bytes).unwrap();
        for (n, t) in moved.iter().zip(TEXTS) {
            assert_eq!(text(&merged, *n), t);
        }
    }

    #[test]
    fn long_strings_take_wide_offsets_and_short_ones_narrow() {
        for (length, narrow) in [(10, true), (5_000, false)] {
            let mut strings = Strings::new();
            let texts: Vec<String> = (0..100).map(|i| format!("{i}{}", "x".repeat(length))).collect();
            for (i, text) in texts.iter().enumerate() {
                assert_eq!(strings.intern(text.as_bytes()), i as u32);
            }
            assert_eq!(strings.is_narrow(), narrow);
            let mut bytes = Vec::new();
            strings.write(&mut bytes);
            assert_eq!(bytes.len(), strings.size());
            let (table, rest) = Table::parse(&bytes).unwrap();
            assert!(rest.is_empty());
            assert!(
                texts
                    .iter()
                    .enumerate()
                    .all(|(i, t)| table.get(i as u32) == t.as_bytes())
            );
        }
    }

    /// The bytes of a dictionary of these strings, whatever they refer to.
    fn dictionary(values: &[&[u8]], shapes: &[&[u8]], objects: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for strings in [values, shapes, objects] {
            let mut table = Strings::new();
            strings.iter().for_each(|string| table.push(string));
            table.write(&mut bytes);
        }
        bytes
    }

    #[test]
    fn a_dictionary_that_refers_to_what_it_does_not_have_is_not_sound() {
        let is_sound = |values: &[&[u8]], shapes: &[&[u8]], objects: &[&[u8]]| {
            Dictionary::parse(&dictionary(values, shapes, objects))
                .unwrap()
                .is_sound()
        };
        let values: &[&[u8]] = &[b"\"a\"", b"1"];
        assert!(is_sound(&[], &[], &[]));
        assert!(is_sound(values, &[&[]], &[&[0]]), "an empty object");
        assert!(is_sound(values, &[&[0]], &[&[0, 1]]));
        assert!(!is_sound(values, &[&[2]], &[&[0, 1]]), "no such key");
        assert!(!is_sound(values, &[&[0]], &[&[0, 2]]), "no such value");
        assert!(!is_sound(values, &[&[0]], &[&[1, 1]]), "no such shape");
        assert!(!is_sound(values, &[&[0]], &[&[]]), "no shape");
        assert!(!is_sound(values, &[&[0]], &[&[0]]), "too few values");
        assert!(!is_sound(values, &[&[0]], &[&[0, 1, 1]]), "too many values");
        assert!(
            !is_sound(values, &[&[0]], &[&[0, 1, 2]]),
            "one too many, which is not there"
        );
        assert!(!is_sound(values, &[&[0]], &[&[0, 1, 0x80]]), "half a number");
        assert!(
            !is_sound(&[b"\xc3", b"\xb6"], &[&[0]], &[&[0, 1]]),
            "half a letter"
        );
        // An offset beyond the bytes.
        let mut bytes = dictionary(values, &[&[0]], &[&[0, 1]]);
        bytes[16 + 2] = 200;
        assert!(!Dictionary::parse(&bytes).unwrap().is_sound());
    }

    #[test]
    fn garbage_is_no_dictionary_and_no_panic() {
        assert!(Dictionary::parse(&[]).is_none());
        assert!(Dictionary::parse(&[0xff; 40]).is_none());
    }
}
