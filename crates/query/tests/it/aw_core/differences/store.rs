//! What comes from the store, which in aw-server is SQLite by way of peewee.

use super::{Difference, EXAMPLE};

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "a period ends a millisecond later",
        what: "Events are cut at the end of the period; in aw-core at the millisecond after it.",
        compared: "normalised: aw-core is asked for a period that ends a millisecond earlier",
        period: (5.0, 25.0),
        program: "RETURN = query_bucket('b');",
        timberline: r#"[#2 20+5 {"app":"fox"}, #1 5+5 {"app":"vim"}]"#,
        aw_core: r#"[#2 20+5.001 {"app":"fox"}, #1 5+5 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "events that end where the period starts",
        what: "An event that only touches the start of the period is part of it, without length; in \
               aw-core not when that is a fraction of a second.",
        compared: "avoided: no event touches an end of the period",
        b: &[(0.0, 10.5, r#"{"app":"vim"}"#)],
        period: (10.5, 60.0),
        program: "RETURN = query_bucket('b');",
        timberline: r#"[#1 10.5+0 {"app":"vim"}]"#,
        aw_core: "[]",
        ..EXAMPLE
    },
    Difference {
        name: "events longer than a day",
        what: "aw-core misses events that start more than a day before the period.",
        compared: "avoided: no event is longer than a day",
        b: &[(-90_000.0, 90_010.0, r#"{"app":"vim"}"#)],
        period: (0.0, 60.0),
        program: "RETURN = query_bucket('b');",
        timberline: r#"[#1 0+10 {"app":"vim"}]"#,
        aw_core: "[]",
        ..EXAMPLE
    },
    Difference {
        name: "events that start together",
        what: "Of events with equal starts the one that ends first comes first, then the one that was \
               stored first; in aw-core the one that was stored last.",
        compared: "avoided: no two events of a bucket start together",
        b: &[
            (0.0, 20.0, r#"{"app":"vim"}"#),
            (0.0, 10.0, r#"{"app":"fox"}"#),
            (0.0, 30.0, r#"{"app":"fox"}"#),
        ],
        program: "RETURN = query_bucket('b');",
        timberline: r#"[#2 0+10 {"app":"fox"}, #1 0+20 {"app":"vim"}, #3 0+30 {"app":"fox"}]"#,
        aw_core: r#"[#3 0+30 {"app":"fox"}, #2 0+10 {"app":"fox"}, #1 0+20 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "periods that are backwards",
        what: "A period that ends before it starts has no events; in aw-core it has those that last from \
               one to the other, with negative durations.",
        compared: "avoided",
        period: (8.0, 2.0),
        program: "RETURN = query_bucket('b');",
        timberline: "[]",
        aw_core: r#"[#1 8+-5.999 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "find_bucket",
        what: "find_bucket finds the bucket with just this id or else, in the order of ids, the first \
               that begins so; in aw-core the oldest that has it anywhere in its id.",
        compared: "avoided: ids begin differently, and none has the beginning of another in it",
        program: "RETURN = find_bucket('afk');",
        timberline: "QueryFunctionException",
        aw_core: r#""aw-watcher-afk_host""#,
        ..EXAMPLE
    },
    Difference {
        name: "STARTTIME and ENDTIME as texts",
        what: "Fractions of a second are written with as many digits as needed, by threes; in aw-core \
               with six.",
        compared: "avoided",
        period: (0.5, 60.0),
        program: "RETURN = STARTTIME;",
        timberline: r#""2024-03-01T12:00:00.500+00:00""#,
        aw_core: r#""2024-03-01T12:00:00.500000+00:00""#,
        ..EXAMPLE
    },
    Difference {
        name: "TIMEINTERVAL",
        what: "The period is also in TIMEINTERVAL, as in aw-server-rust, and set by it.",
        compared: "avoided",
        period: (0.0, 60.0),
        program: "RETURN = TIMEINTERVAL;",
        timberline: r#""2024-03-01T12:00:00+00:00/2024-03-01T12:01:00+00:00""#,
        aw_core: "QueryInterpretException",
        ..EXAMPLE
    },
];
