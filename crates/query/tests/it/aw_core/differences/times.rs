//! Functions of time.

use super::{Difference, EXAMPLE};

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "times are whole milliseconds",
        what: "Times are whole nanoseconds; in aw-core starts are cut to milliseconds, those that are \
               stored and those that functions set, and durations are rounded to microseconds.",
        compared: "avoided: times are multiples of 256 ms, which flood may halve a few times",
        b: &[(0.0005, 10.0, r#"{"app":"vim"}"#)],
        program: "RETURN = query_bucket('b');",
        timberline: r#"[#1 0.0005+10 {"app":"vim"}]"#,
        aw_core: r#"[#1 0+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "flood fills a gap of just five seconds",
        what: "flood fills gaps of less than five seconds, as in aw-server-rust; in aw-core also one of \
               just five.",
        compared: "avoided: no gap is five seconds",
        b: &[(0.0, 1.0, r#"{"app":"vim"}"#), (6.0, 1.0, r#"{"app":"fox"}"#)],
        program: "RETURN = flood(query_bucket('b'));",
        timberline: r#"[#1 0+1 {"app":"vim"}, #2 6+1 {"app":"fox"}]"#,
        aw_core: r#"[#1 0+3.5 {"app":"vim"}, #2 3.5+3.5 {"app":"fox"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "flood drops events without length",
        what: "flood keeps events of no or of negative length; in aw-core it leaves them out, unless they \
               grew.",
        compared: "avoided: flood gets only events that last",
        b: &[(0.0, 0.0, r#"{"app":"vim"}"#), (60.0, 1.0, r#"{"app":"fox"}"#)],
        program: "RETURN = flood(query_bucket('b'));",
        timberline: r#"[#1 0+0 {"app":"vim"}, #2 60+1 {"app":"fox"}]"#,
        aw_core: r#"[#2 60+1 {"app":"fox"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "flood takes overlaps away",
        what: "flood leaves differing events that overlap as they are; in aw-core the later one begins \
               where the earlier ends.",
        compared: "avoided: flood gets only events that do not overlap",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#), (4.0, 10.0, r#"{"app":"fox"}"#)],
        program: "RETURN = flood(query_bucket('b'));",
        timberline: r#"[#1 0+10 {"app":"vim"}, #2 4+10 {"app":"fox"}]"#,
        aw_core: r#"[#1 0+4 {"app":"vim"}, #2 4+10 {"app":"fox"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "flood does not join all that are equal",
        what: "flood joins equal neighbours, also those that just touch, and the result has the id of the \
               first; in aw-core those that touch, and some in a row of three, stay apart, and the result \
               has the id of the longer.",
        compared: "normalised, where neighbours may be equal: both are joined, ids are not compared, and no \
                   function follows",
        b: &[
            (0.0, 1.0, r#"{"app":"vim"}"#),
            (2.0, 4.0, r#"{"app":"vim"}"#),
            (6.0, 1.0, r#"{"app":"vim"}"#),
        ],
        program: "RETURN = flood(query_bucket('b'));",
        timberline: r#"[#1 0+7 {"app":"vim"}]"#,
        aw_core: r#"[#2 0+6 {"app":"vim"}, #3 6+1 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "flood takes a pulse time",
        what: "flood has one argument; in aw-core a second one says which gaps are filled.",
        compared: "avoided",
        program: "RETURN = flood(query_bucket('b'), 7);",
        timberline: "QueryInterpretException",
        aw_core: r#"[#1 0+10 {"app":"vim"}, #2 20+10 {"app":"fox"}, #3 40+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "filter_period_intersect keeps events without length",
        what: "filter_period_intersect leaves events without length out; in aw-core those within a period \
               stay.",
        compared: "avoided: it gets only events that last",
        b: &[(5.0, 0.0, r#"{"app":"vim"}"#)],
        c: &[(0.0, 10.0, "{}")],
        program: "a = query_bucket('b'); b = query_bucket('c'); RETURN = filter_period_intersect(a, b);",
        timberline: "[]",
        aw_core: r#"[#1 5+0 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "filter_period_intersect gives time twice",
        what: "Where periods overlap, filter_period_intersect gives each part of an event once; in \
               aw-core once for each period.",
        compared: "avoided: it gets only periods that do not overlap",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        c: &[(0.0, 6.0, "{}"), (4.0, 4.0, "{}")],
        program: "a = query_bucket('b'); b = query_bucket('c'); RETURN = filter_period_intersect(a, b);",
        timberline: r#"[#1 0+6 {"app":"vim"}, #1 6+2 {"app":"vim"}]"#,
        aw_core: r#"[#1 0+6 {"app":"vim"}, #1 4+4 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "union_no_overlap: parts keep the id",
        what: "A part of an event that union_no_overlap cuts has no id, as in aw-server-rust; in aw-core \
               it has that of the whole.",
        compared: "normalised: ids are not compared after it",
        b: &[(2.0, 2.0, r#"{"app":"vim"}"#)],
        c: &[(0.0, 10.0, r#"{"app":"fox"}"#)],
        program: "a = query_bucket('b'); b = query_bucket('c'); RETURN = union_no_overlap(a, b);",
        timberline: r#"[- 0+2 {"app":"fox"}, #1 2+2 {"app":"vim"}, - 4+6 {"app":"fox"}]"#,
        aw_core: r#"[#2 0+2 {"app":"fox"}, #1 2+2 {"app":"vim"}, #2 4+6 {"app":"fox"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "union_no_overlap: events without length",
        what: "Events without length overlap nothing; in aw-core union_no_overlap takes one for an \
               overlap where it lies within an event or begins with it, which may cut that event or leave \
               one out.",
        compared: "avoided: it gets only events that last",
        b: &[(0.0, 5.0, r#"{"app":"vim"}"#)],
        c: &[(3.0, 0.0, r#"{"app":"fox"}"#)],
        program: "a = query_bucket('b'); b = query_bucket('c'); RETURN = union_no_overlap(a, b);",
        timberline: r#"[#1 0+5 {"app":"vim"}, #2 3+0 {"app":"fox"}]"#,
        aw_core: r#"[#1 0+5 {"app":"vim"}]"#,
        ..EXAMPLE
    },
];
