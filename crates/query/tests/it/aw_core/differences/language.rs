//! The language.

use super::{Difference, EXAMPLE};

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "operators, conditions, comments and decimals",
        what: "aw-core has assignments only: no operators, no if, no return, no expressions as \
               statements, no comments, and only whole numbers.",
        compared: "avoided",
        program: "# half\nreturn 1 / 2.0;",
        timberline: "0.5",
        aw_core: "QueryParseException",
        ..EXAMPLE
    },
    Difference {
        name: "numbers are decimals",
        what: "All numbers are answered with a fraction, as by aw-server-rust; aw-core has whole numbers.",
        compared: "normalised: numbers are compared as numbers",
        program: "RETURN = 7;",
        timberline: "7.0",
        aw_core: "7",
        ..EXAMPLE
    },
    Difference {
        name: "the last semicolon",
        what: "Every statement ends with a semicolon, as in aw-server-rust; in aw-core the last may be \
               missing.",
        compared: "avoided",
        program: "RETURN = 7",
        timberline: "QueryParseException",
        aw_core: "7",
        ..EXAMPLE
    },
    Difference {
        name: "arguments after a call or a list",
        what: "aw-core loses the argument after a call or a list that is an argument itself, if another \
               follows.",
        compared: "avoided: calls are only the last of arguments",
        program: "RETURN = filter_keyvals(query_bucket('b'), 'app', ['fox']);",
        timberline: r#"[#2 20+10 {"app":"fox"}]"#,
        aw_core: "QueryFunctionException",
        ..EXAMPLE
    },
    Difference {
        name: "texts that are no programs",
        what: "aw-core does not look at all of the text: a comma too many in a call, or anything before \
               one, is passed over.",
        compared: "avoided",
        program: "e = query_bucket('b'); RETURN = limit_events(e !!, 1,);",
        timberline: "QueryParseException",
        aw_core: r#"[#3 40+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "a string that ends with a backslash",
        what: "When no other quote follows, the quote after a backslash ends the string; in aw-core the \
               string is not closed.",
        compared: "avoided",
        program: r"RETURN = 'a\';",
        timberline: r#""a\\""#,
        aw_core: "QueryParseException",
        ..EXAMPLE
    },
    Difference {
        name: "names that can be assigned",
        what: "true, True, false and False cannot be assigned.",
        compared: "avoided",
        program: "True = 7; RETURN = True;",
        timberline: "QueryParseException",
        aw_core: "7",
        ..EXAMPLE
    },
    Difference {
        name: "names of functions",
        what: "A name that was assigned is a function no longer, as in aw-server-rust.",
        compared: "avoided",
        program: "nop = 7; RETURN = nop();",
        timberline: "QueryInterpretException",
        aw_core: "1",
        ..EXAMPLE
    },
    Difference {
        name: "functions that are only in Timberline",
        what: "contains, print and query_bucket_names come from aw-server-rust; so does concat of any \
               number of lists.",
        compared: "avoided",
        program: "e = query_bucket('b'); RETURN = concat(e);",
        timberline: r#"[#3 40+10 {"app":"vim"}, #2 20+10 {"app":"fox"}, #1 0+10 {"app":"vim"}]"#,
        aw_core: "IndexError",
        ..EXAMPLE
    },
    Difference {
        name: "merge_subwatcher_fields",
        what: "The function merge_subwatcher_fields is only in aw-core.",
        compared: "avoided",
        program: "a = query_bucket('b'); b = query_bucket('c'); RETURN = merge_subwatcher_fields(a, b, \
                  ['n']);",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        c: &[(5.0, 10.0, r#"{"n":2}"#)],
        timberline: "QueryInterpretException",
        aw_core: r#"[#1 0+5 {"app":"vim"}, #1 5+5 {"app":"vim","n":2}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "errors",
        what: "What is wrong with a query is told in one of three types of error; aw-core also raises \
               whatever Python does, which aw-server answers with 500.",
        compared: "avoided: no program has an error",
        program: "e = query_bucket('b'); RETURN = filter_keyvals_regex(e, 'app', '(');",
        timberline: "QueryFunctionException",
        aw_core: "error",
        ..EXAMPLE
    },
];
