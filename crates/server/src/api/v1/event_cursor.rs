//! Where a page of events begins, as text that clients give back unread.

use std::cmp::Reverse;

use serde::Serialize;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::BucketKey;
use timberline_views::pages::{PageStart, Place};
use utoipa::ToSchema;

use crate::http::{ApiError, Echo};

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EventOrder)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

impl Order {
    pub(crate) fn parse(text: &str) -> Result<Order, ApiError> {
        match text {
            "desc" => Ok(Order::Desc),
            "asc" => Ok(Order::Asc),
            other => Err(ApiError::Malformed(format!(
                "order: expected asc or desc, not '{}'",
                Echo(other)
            ))),
        }
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) start: PageStart,
    pub(crate) order: Order,
}

/// A byte that says what it is, start, duration, id, bucket.
const BYTES: usize = 1 + 8 + 8 + 8 + 4;
/// The version, in the first byte.
const VERSION: u8 = 0x10;
const ASC: u8 = 1;
const NEWER: u8 = 2;
/// There is no position: the list begins with its oldest event.
const OLDEST: u8 = 4;

impl Cursor {
    /// `None` for a page that needs no cursor.
    pub(crate) fn text(self) -> Option<String> {
        let nowhere = Place {
            start: Timestamp::EPOCH,
            duration: Reverse(Duration::ZERO),
            id: Reverse(EventId::NONE),
            bucket: Reverse(BucketKey(0)),
        };
        let (place, flags) = match self.start {
            PageStart::Before(place) => (place, 0),
            PageStart::After(place) => (place, NEWER),
            PageStart::Oldest => (nowhere, NEWER | OLDEST),
            PageStart::Newest => return None,
        };
        let order = if self.order == Order::Asc { ASC } else { 0 };
        let mut bytes = vec![VERSION | flags | order];
        bytes.extend(place.start.nanos().to_be_bytes());
        bytes.extend(place.duration.0.nanos().to_be_bytes());
        bytes.extend(place.id.0.0.to_be_bytes());
        bytes.extend(place.bucket.0.0.to_be_bytes());
        Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn parse(text: &str) -> Result<Cursor, ApiError> {
        Cursor::of(text).ok_or_else(|| {
            ApiError::Malformed(format!(
                "cursor: '{}' is none: give back next or prev of an earlier answer as it is",
                Echo(text)
            ))
        })
    }

    fn of(text: &str) -> Option<Cursor> {
        let digits: Vec<u8> = text
            .chars()
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .filter_map(|pair| match pair {
                [high, low] => Some(high << 4 | low),
                _ => None,
            })
            .collect();
        if bytes.len() != BYTES || digits.len() != 2 * BYTES {
            return None;
        }
        let (flags, rest) = bytes.split_first()?;
        let (start, rest) = rest.split_first_chunk::<8>()?;
        let (duration, rest) = rest.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<8>()?;
        let place = Place {
            start: Timestamp::from_nanos(i64::from_be_bytes(*start)),
            duration: Reverse(Duration::from_nanos(i64::from_be_bytes(*duration))),
            id: Reverse(EventId(u64::from_be_bytes(*id))),
            bucket: Reverse(BucketKey(u32::from_be_bytes(*rest.first_chunk()?))),
        };
        let start = match flags & (NEWER | OLDEST) {
            0 => PageStart::Before(place),
            NEWER => PageStart::After(place),
            both if both == NEWER | OLDEST => PageStart::Oldest,
            _ => return None,
        };
        let order = if flags & ASC == 0 { Order::Desc } else { Order::Asc };
        (flags & !(ASC | NEWER | OLDEST) == VERSION).then_some(Cursor { start, order })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_anything_else_is_refused() {
        let place = Place {
            start: Timestamp::from_nanos(-5),
            duration: Reverse(Duration::from_nanos(i64::MAX)),
            id: Reverse(EventId(u64::MAX)),
            bucket: Reverse(BucketKey(7)),
        };
        for start in [
            PageStart::Before(place),
            PageStart::After(place),
            PageStart::Oldest,
        ] {
            for order in [Order::Asc, Order::Desc] {
                let cursor = Cursor { start, order };
                let text = cursor.text().unwrap();
                assert_eq!(Cursor::parse(&text).unwrap(), cursor);
                assert_eq!(Cursor::of(&text[1..]), None);
                assert_eq!(Cursor::of(&format!("{text}00")), None);
                assert_eq!(Cursor::of(&format!("f{}", &text[1..])), None);
            }
        }
        for text in ["", "x", "é", "00"] {
            assert_eq!(Cursor::parse(text).unwrap_err().status(), 400, "{text}");
        }
    }
}
