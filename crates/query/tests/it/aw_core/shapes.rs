//! Where both agree: what is known of a list of events is its [`Shape`], and [`agreed`] says for each function which
//! shapes it may be given so that aw-core and Timberline give the same.

use crate::reference::program::Function;

/// What is known of a list of events, and what of it can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Keys that all of them have.
    keys: Vec<String>,
    /// Keys that are compared; none is all.
    pub(crate) only: Option<Vec<String>>,
    /// Whether their ids are compared.
    pub(crate) ids: bool,
    /// Whether equal neighbours that touch count as one.
    pub(crate) joined: bool,
    /// Each lasts.
    lasting: bool,
    /// No two share any time, and each lasts.
    apart: bool,
    /// Oldest first.
    ascending: bool,
    /// The data of neighbours in time differ.
    differing: bool,
    /// How often gaps can be halved until they are no whole milliseconds, or five seconds.
    halvings: u8,
}

impl Shape {
    /// Of a bucket whose events do not overlap, each last, and have a title of their own. See `events::tidy`.
    pub(crate) fn tidy(keys: &[&str]) -> Shape {
        Shape {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            only: None,
            ids: true,
            joined: false,
            lasting: true,
            apart: true,
            ascending: false,
            differing: true,
            halvings: 3,
        }
    }

    /// Of a bucket of which nothing is known.
    pub(crate) fn messy() -> Shape {
        Shape {
            lasting: false,
            apart: false,
            differing: false,
            halvings: 0,
            ..Shape::tidy(&[])
        }
    }

    /// Whether all events have a key, and it is compared.
    fn has(&self, key: &String) -> bool {
        self.keys.contains(key) && self.shows(key)
    }

    /// Whether a key is compared.
    fn shows(&self, key: &String) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(key))
    }

    fn with_key(mut self, key: &str) -> Shape {
        self.keys.push(key.to_owned());
        self
    }

    /// Of the events of both, in no order.
    fn and(&self, other: &Shape) -> Option<Shape> {
        let keys = self.keys.iter().filter(|key| other.keys.contains(key));
        (self.only == other.only).then(|| Shape {
            keys: keys.cloned().collect(),
            only: self.only.clone(),
            ids: self.ids && other.ids,
            joined: false,
            lasting: self.lasting && other.lasting,
            apart: false,
            ascending: false,
            differing: false,
            halvings: self.halvings.min(other.halvings),
        })
    }
}

/// The shape of what a function gives for such lists, if aw-core gives the same.
pub(crate) fn agreed(function: &Function, lists: &[&Shape]) -> Option<Shape> {
    let first = || lists.first().map(|shape| (*shape).clone());
    let both = || first()?.and(lists.get(1)?);
    let shape = match function {
        Function::FilterKeyvals(key, _)
        | Function::ExcludeKeyvals(key, _)
        | Function::FilterKeyvalsRegex(key, _) => first().filter(|shape| shape.shows(key)),
        Function::LimitEvents(_) | Function::SumDurations => first(),
        Function::SortByTimestamp => first().map(|shape| Shape {
            ascending: true,
            ..shape
        }),
        Function::SortByDuration => first().map(|shape| Shape {
            ascending: false,
            ..shape
        }),
        Function::Concat => both(),
        Function::FilterPeriodIntersect => {
            let (events, periods) = (first()?, lists.get(1)?);
            (events.lasting && periods.apart).then(|| Shape {
                ascending: events.apart,
                differing: false,
                halvings: events.halvings.min(periods.halvings),
                ..events
            })
        }
        Function::PeriodUnion => {
            let (a, b) = (first()?, lists.get(1)?);
            let lasting = a.lasting && b.lasting;
            Some(Shape {
                ids: a.ids && b.ids,
                lasting,
                apart: lasting,
                ascending: true,
                differing: false,
                halvings: a.halvings.min(b.halvings),
                ..Shape::tidy(&[])
            })
        }
        Function::UnionNoOverlap => both()
            .filter(|s| s.lasting)
            .map(|shape| Shape { ids: false, ..shape }),
        Function::MergeEventsByKeys(keys) => first()
            .filter(|shape| !keys.is_empty() && keys.iter().all(|key| shape.has(key)))
            .map(|shape| Shape {
                keys: keys.clone(),
                only: Some(keys.clone()),
                apart: false,
                ascending: false,
                differing: false,
                ..shape
            }),
        Function::ChunkEventsByKey(key) => {
            first()
                .filter(|shape| shape.ascending && shape.has(key))
                .map(|shape| Shape {
                    keys: vec![key.clone()],
                    only: Some(vec![key.clone()]),
                    ids: false,
                    differing: true,
                    ..shape
                })
        }
        Function::Flood => first()
            .filter(|shape| shape.apart && shape.halvings > 0)
            .map(|shape| Shape {
                ids: shape.ids && shape.differing,
                joined: !shape.differing,
                ascending: true,
                halvings: shape.halvings - 1,
                ..shape
            }),
        Function::SplitUrlEvents => first()
            .filter(|shape| shape.only.is_none() && shape.keys.iter().any(|key| key == "url"))
            .map(|shape| shape.with_key("$domain").with_key("$path")),
        Function::SimplifyWindowTitles(key) => first().filter(|shape| shape.only.is_none() && shape.has(key)),
        Function::Categorize(_) => first()
            .filter(|s| s.only.is_none())
            .map(|s| s.with_key("$category")),
        Function::Tag(_) => first().filter(|s| s.only.is_none()).map(|s| s.with_key("$tags")),
        Function::QueryBucket(_) | Function::QueryBucketEventcount(_) | Function::Plus => None,
    };
    // Lists that are compared only after joining what touches are no arguments.
    shape.filter(|_| lists.iter().all(|list| !list.joined))
}
