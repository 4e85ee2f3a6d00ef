//! Which objects of a dictionary somebody looks for, and what each is known by there.

/// Gives some numbers of a dictionary's objects a slot each.
#[derive(Clone, Debug)]
pub struct Slots {
    /// A bit for each number: what is asked for each row fits the cache.
    has: Vec<u64>,
    /// By number of the object; only those of which the bit is set count.
    slots: Vec<u32>,
    /// The least and the greatest number that has one.
    extent: Option<(u32, u32)>,
}

/// A row whose data have a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    /// Its position in the block.
    pub(crate) index: u32,
    pub(crate) slot: u32,
    pub(crate) start: i64,
    pub(crate) duration: i64,
}

impl Slots {
    /// Slots for some of so many objects: the first of these numbers gets the slot 0, the next one 1.
    #[must_use]
    pub fn of_numbers(objects: usize, numbers: &[u32]) -> Slots {
        Slots::new(objects, numbers.iter().copied().zip(0..))
    }

    /// The same with the slots that are given.
    #[must_use]
    pub fn new(objects: usize, given: impl IntoIterator<Item = (u32, u32)>) -> Slots {
        let mut has = vec![0; objects.div_ceil(64)];
        let mut slots = vec![0; objects];
        let mut extent: Option<(u32, u32)> = None;
        for (number, slot) in given {
            let at = number as usize;
            if let (Some(place), Some(bits)) = (slots.get_mut(at), has.get_mut(at / 64)) {
                *place = slot;
                *bits |= 1 << (at % 64);
                let (least, greatest) = extent.unwrap_or((number, number));
                extent = Some((least.min(number), greatest.max(number)));
            }
        }
        Slots { has, slots, extent }
    }

    /// How many objects there are, with a slot or without.
    pub(crate) fn objects(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Whether an object has a slot.
    #[inline]
    pub(crate) fn has(&self, number: i64) -> bool {
        let at = number as u64;
        let bits = self.has.get((at / 64) as usize).copied().unwrap_or(0);
        bits >> (at % 64) & 1 == 1
    }

    /// The slot of an object.
    #[inline]
    pub(crate) fn of(&self, number: i64) -> Option<u32> {
        let slot = || self.slots.get(usize::try_from(number).ok()?).copied();
        self.has(number).then(slot).flatten()
    }

    /// Whether a number from `least` to `greatest` may have a slot.
    pub(crate) fn may_have(&self, least: i64, greatest: i64) -> bool {
        self.extent
            .is_some_and(|(first, last)| i64::from(first) <= greatest && least <= i64::from(last))
    }
}
