//! Which objects of a dictionary a search finds. Each distinct value is looked at once, most of them not even one by one:
//! the texts of all values lie next to one another, and a word is looked for in all of them at once.

use regex::bytes::{Regex, RegexBuilder};
use timberline_model::data::Members;
use timberline_views::columns::{DataDictionary, HeadData, SegmentData};

use super::syntax::{Terms, What};
use crate::error::QueryError;
use crate::limits::Guard;

/// Terms, prepared for dictionaries.
#[derive(Debug)]
pub(super) struct Matcher {
    terms: Terms,
    /// For each term that is plain ASCII: how it is found in ASCII.
    quick: Vec<Option<Regex>>,
    required: u32,
    forbidden: u32,
}

impl Matcher {
    pub(super) fn new(terms: Terms) -> Matcher {
        let (required, forbidden) = terms.bits();
        let quick = terms.terms.iter().map(|term| match &term.what {
            What::Text(text) => in_ascii(text),
            What::Regex(_) => None,
        });
        Matcher {
            quick: quick.collect(),
            terms,
            required,
            forbidden,
        }
    }

    /// The numbers of the objects that are found, ascending.
    pub(super) fn objects(
        &self,
        dictionary: &DataDictionary<'_>,
        guard: &Guard,
    ) -> Result<Vec<u32>, QueryError> {
        match dictionary {
            DataDictionary::Segment(data) => self.in_segment(data, guard),
            DataDictionary::Head(data) => self.in_head(data, dictionary.objects(), guard),
        }
    }

    fn finds(&self, bits: u32) -> bool {
        bits & self.required == self.required && bits & self.forbidden == 0
    }

    fn in_segment(&self, data: &SegmentData<'_>, guard: &Guard) -> Result<Vec<u32>, QueryError> {
        let values = self.values(data, guard)?;
        let anywhere = values.iter().fold(0, |all, bits| all | bits);
        if anywhere & self.required != self.required {
            return Ok(Vec::new());
        }
        let of_value = |value: u32| values.get(value as usize).copied().unwrap_or(0);
        let mut fields = Fields::of(&self.terms);
        let mut found = Vec::new();
        for object in 0..data.objects() {
            guard.check_at(object as usize)?;
            let bits = match &mut fields {
                None => data
                    .values_of(object)
                    .fold(0, |bits, value| bits | of_value(value)),
                Some(fields) => data.members(object).fold(0, |bits, (key, value)| {
                    bits | (of_value(value) & fields.allowed(key, || data.value(key)))
                }),
            };
            if self.finds(bits) {
                found.push(object);
            }
        }
        Ok(found)
    }

    fn in_head(&self, data: &HeadData<'_>, objects: usize, guard: &Guard) -> Result<Vec<u32>, QueryError> {
        let mut scratch = Scratch::default();
        let mut found = Vec::new();
        for object in 0..objects as u32 {
            guard.check_at(object as usize)?;
            let members = Members::of(data.text(object));
            let bits = members.fold(0, |bits, (key, value)| {
                bits | (self.bits(value, &mut scratch) & allowed(&self.terms, key))
            });
            if self.finds(bits) {
                found.push(object);
            }
        }
        Ok(found)
    }

    /// For each value of a dictionary, the terms that hold for it.
    fn values(&self, data: &SegmentData<'_>, guard: &Guard) -> Result<Vec<u32>, QueryError> {
        let mut bits = vec![0u32; data.values() as usize];
        let all = data.all_values();
        for (at, (quick, term)) in self.quick.iter().zip(&self.terms.terms).enumerate() {
            guard.check()?;
            match (quick, &term.what) {
                (Some(quick), _) => look_through(data, all, quick, |value| mark(&mut bits, value, 1 << at)),
                // Nothing in ASCII becomes anything else when it is folded.
                (None, What::Text(_)) => {}
                (None, What::Regex(_)) => self.one_by_one(data, at, &mut bits, guard)?,
            }
        }
        self.unusual(data, all, &mut bits, guard)?;
        Ok(bits)
    }

    /// Looks at each value for itself.
    fn one_by_one(
        &self,
        data: &SegmentData<'_>,
        at: usize,
        bits: &mut [u32],
        guard: &Guard,
    ) -> Result<(), QueryError> {
        let mut scratch = Scratch::default();
        let Some(term) = self.terms.terms.get(at) else {
            return Ok(());
        };
        for value in 0..data.values() {
            guard.check_at(value as usize)?;
            if is_in(&term.what, data.value(value), &mut scratch) {
                mark(bits, value, 1 << at);
            }
        }
        Ok(())
    }

    /// Values that are not ASCII, or have escapes in them, were not looked at rightly.
    fn unusual(
        &self,
        data: &SegmentData<'_>,
        all: &[u8],
        bits: &mut [u32],
        guard: &Guard,
    ) -> Result<(), QueryError> {
        let mut scratch = Scratch::default();
        let mut places = Places::new(data);
        let mut from = 0;
        let mut step = 0;
        while let Some(at) = unusual_byte(all, from) {
            guard.check_at(step)?;
            step += 1;
            let Some((value, end)) = places.find(at) else {
                break;
            };
            if let Some(place) = bits.get_mut(value as usize) {
                *place = self.bits(data.value(value), &mut scratch);
            }
            from = end.max(at + 1);
        }
        Ok(())
    }

    /// The terms that hold for a value, which is JSON text.
    fn bits(&self, value: &str, scratch: &mut Scratch) -> u32 {
        let terms = self.terms.terms.iter().enumerate();
        let hold = terms.filter(|(_, term)| is_in(&term.what, value, scratch));
        hold.fold(0, |bits, (at, _)| bits | 1 << at)
    }
}

fn mark(bits: &mut [u32], value: u32, bit: u32) {
    if let Some(place) = bits.get_mut(value as usize) {
        *place |= bit;
    }
}

#[derive(Default)]
struct Scratch {
    unescaped: String,
    folded: String,
}

/// Whether a value, which is JSON text, has what is looked for in it.
fn is_in(what: &What, value: &str, scratch: &mut Scratch) -> bool {
    let Scratch { unescaped, folded } = scratch;
    let text = match value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        // Numbers, lists and objects as they are written.
        None => value,
        Some(text) if !text.contains('\\') => text,
        Some(text) => match serde_json::from_str(value) {
            Ok(decoded) => {
                *unescaped = decoded;
                unescaped.as_str()
            }
            Err(_) => text,
        },
    };
    what.is_in(text, folded)
}

/// How a folded text is found in ASCII that has no escapes. None if it cannot be in there.
fn in_ascii(text: &str) -> Option<Regex> {
    if !text.is_ascii() || text.contains('\\') {
        return None;
    }
    RegexBuilder::new(&regex::escape(text))
        .case_insensitive(true)
        .unicode(false)
        .build()
        .ok()
}

/// Looks for something in all values at once, and gives the numbers of those that have it.
fn look_through(data: &SegmentData<'_>, all: &[u8], quick: &Regex, mut give: impl FnMut(u32)) {
    let mut places = Places::new(data);
    let mut from = 0;
    while let Some(found) = quick.find_at(all, from) {
        let Some((value, end)) = places.find(found.start()) else {
            return;
        };
        let begin = places.begin;
        let text = all.get(begin..end).unwrap_or_default();
        // The quotes around a string are no part of it; and it may only have seemed to be in there, partly in the next.
        let (first, last) = match text {
            [b'"', .., b'"'] => (begin + 1, end - 1),
            _ => (begin, end),
        };
        if first <= found.start() && found.end() <= last {
            give(value);
            from = end;
        } else {
            from = found.start() + 1;
        }
    }
}

/// Finds the value that a byte belongs to, for bytes in ascending order.
struct Places<'d, 'a> {
    data: &'d SegmentData<'a>,
    /// The value that was found last.
    value: u32,
    begin: usize,
}

impl<'d, 'a> Places<'d, 'a> {
    fn new(data: &'d SegmentData<'a>) -> Places<'d, 'a> {
        Places {
            data,
            value: 0,
            begin: 0,
        }
    }

    /// The value that has this byte, and where it ends.
    fn find(&mut self, byte: usize) -> Option<(u32, usize)> {
        // In growing steps past it, and then in between.
        let (mut low, mut step) = (self.value, 1);
        let mut high = loop {
            let next = low.saturating_add(step).min(self.data.values());
            if next == self.data.values() || self.data.value_offset(next)? > byte {
                break next;
            }
            (low, step) = (next, step * 2);
        };
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.data.value_offset(middle)? > byte {
                high = middle;
            } else {
                low = middle;
            }
        }
        self.value = low;
        self.begin = self.data.value_offset(low)?;
        let end = self.data.value_offset(low.checked_add(1)?)?;
        (self.begin <= byte && byte < end).then_some((low, end))
    }
}

/// The next byte that is not ASCII, or begins an escape.
fn unusual_byte(all: &[u8], from: usize) -> Option<usize> {
    const LANES: usize = 64;
    let is_unusual = |byte: &u8| *byte >= 0x80 || *byte == b'\\';
    let rest = all.get(from..)?;
    for (number, lane) in rest.chunks(LANES).enumerate() {
        // Without an early end, so that it is done for many bytes at once.
        if lane.iter().fold(false, |any, byte| any | is_unusual(byte)) {
            let within = lane.iter().position(is_unusual)?;
            return Some(from + number * LANES + within);
        }
    }
    None
}

/// The bits of the terms for which the value of a key counts.
fn allowed(terms: &Terms, key: &str) -> u32 {
    let counts = |field: &Option<String>| field.as_ref().is_none_or(|field| field == key);
    let terms = terms.terms.iter().enumerate();
    let counting = terms.filter(|(_, term)| counts(&term.field));
    counting.fold(0, |bits, (at, _)| bits | 1 << at)
}

/// The same for the keys of a dictionary, of which there are few.
struct Fields<'t> {
    terms: &'t Terms,
    known: Vec<(u32, u32)>,
}

impl<'t> Fields<'t> {
    /// None if the values of all keys count.
    fn of(terms: &'t Terms) -> Option<Fields<'t>> {
        let any = terms.terms.iter().any(|term| term.field.is_some());
        any.then_some(Fields {
            terms,
            known: Vec::new(),
        })
    }

    fn allowed<'a>(&mut self, key: u32, text: impl FnOnce() -> &'a str) -> u32 {
        if let Some((_, bits)) = self.known.iter().find(|(known, _)| *known == key) {
            return *bits;
        }
        let bits = allowed(self.terms, text());
        self.known.push((key, bits));
        bits
    }
}
