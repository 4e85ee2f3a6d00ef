//! Functions of data, and what functions do to their arguments.

use super::{Difference, EXAMPLE};

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "functions change their arguments",
        what: "Arguments never change; in aw-core categorize, tag and split_url_events change the events \
               they are given, and period_union takes the data of some of them away, so a list that is \
               used again is another one.",
        compared: "avoided: each list is used once",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); t = tag(a, []); RETURN = a;",
        timberline: r#"[#1 0+10 {"app":"vim"}]"#,
        aw_core: r#"[#1 0+10 {"$tags":[],"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "merged events keep only the keys",
        what: "A merged event has all the data of the first of its group, as in aw-server-rust; in \
               aw-core only the keys.",
        compared: "normalised: only the keys are compared after it",
        b: &[(0.0, 10.0, r#"{"app":"vim","title":"a"}"#)],
        program: "a = query_bucket('b'); RETURN = merge_events_by_keys(a, ['app']);",
        timberline: r#"[- 0+10 {"app":"vim","title":"a"}]"#,
        aw_core: r#"[- 0+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "merging events that lack a key",
        what: "merge_events_by_keys leaves events that lack a key out, as in aw-server-rust; in aw-core \
               they form groups, too.",
        compared: "avoided: all events have the keys",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#), (20.0, 10.0, r#"{"title":"a"}"#)],
        program: "a = query_bucket('b'); RETURN = merge_events_by_keys(a, ['app']);",
        timberline: r#"[- 0+10 {"app":"vim"}]"#,
        aw_core: r#"[- 20+10 {}, - 0+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "merging by no keys",
        what: "merge_events_by_keys without keys gives no events, as in aw-server-rust; in aw-core the \
               events it was given.",
        compared: "avoided",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); RETURN = merge_events_by_keys(a, []);",
        timberline: "[]",
        aw_core: r#"[#1 0+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "merging by dicts",
        what: "Events can be merged by values of any kind; in aw-core not by dicts, nor by lists with \
               lists or dicts in them.",
        compared: "avoided: values are strings, numbers and lists of strings",
        b: &[(0.0, 10.0, r#"{"app":{"name":"vim"}}"#)],
        program: "a = query_bucket('b'); RETURN = merge_events_by_keys(a, ['app']);",
        timberline: r#"[- 0+10 {"app":{"name":"vim"}}]"#,
        aw_core: "QueryInterpretException",
        ..EXAMPLE
    },
    Difference {
        name: "1, 1.0 and true",
        what: "In Python 1, 1.0 and true are equal, so aw-core filters, merges and chunks them as one. In \
               filter_keyvals and exclude_keyvals true is not 1 (but 1.0 is); elsewhere all three differ.",
        compared: "avoided: no program has 0, 1, true or false, and data that are compared have no such pairs",
        b: &[(0.0, 10.0, r#"{"n":true}"#), (20.0, 10.0, r#"{"n":1}"#)],
        program: "a = query_bucket('b'); RETURN = filter_keyvals(a, 'n', [1]);",
        timberline: r#"[#2 20+10 {"n":1}]"#,
        aw_core: r#"[#2 20+10 {"n":1}, #1 0+10 {"n":true}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "chunks have subevents",
        what: "A chunk has the data and the id of its first event, as in aw-server-rust; in aw-core the \
               key and the list of its events, and no id.",
        compared: "normalised: only the key is compared after it, and no ids",
        b: &[(0.0, 10.0, r#"{"app":"vim","n":2}"#)],
        program: "a = query_bucket('b'); RETURN = chunk_events_by_key(a, 'app');",
        timberline: r#"[#1 0+10 {"app":"vim","n":2}]"#,
        aw_core: r#"[- 0+10 {"app":"vim","subevents":[#1 0+10 {"app":"vim","n":2}]}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "chunks end at an event without the key",
        what: "chunk_events_by_key passes over events that lack the key, as in aw-server-rust; in aw-core \
               it ends there.",
        compared: "avoided: all events have the key",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#), (20.0, 10.0, "{}")],
        program: "a = query_bucket('b'); RETURN = chunk_events_by_key(a, 'app');",
        timberline: r#"[#1 0+10 {"app":"vim"}]"#,
        aw_core: "[]",
        ..EXAMPLE
    },
    Difference {
        name: "chunks and pulse times",
        what: "chunk_events_by_key joins neighbours however far apart they are, as in aw-server-rust; in \
               aw-core only those that start no more than five seconds after the end of the last event of \
               the whole list. In a list that is sorted by time these are all.",
        compared: "avoided: it gets only lists that are sorted by time",
        b: &[
            (0.0, 10.0, r#"{"app":"vim"}"#),
            (20.0, 10.0, r#"{"app":"vim"}"#),
            (40.0, 10.0, r#"{"app":"vim"}"#),
        ],
        program: "a = query_bucket('b'); b = chunk_events_by_key(a, 'app'); RETURN = \
                  merge_events_by_keys(limit_events(b, 1), ['app']);",
        timberline: r#"[- 40+30 {"app":"vim"}]"#,
        aw_core: r#"[- 40+10 {"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "values that a pattern is no use for",
        what: "filter_keyvals_regex drops events whose value is no string; in aw-core they are an error.",
        compared: "avoided: values of these keys are strings",
        b: &[(0.0, 10.0, r#"{"n":2}"#)],
        program: "a = query_bucket('b'); RETURN = filter_keyvals_regex(a, 'n', '2');",
        timberline: "[]",
        aw_core: "QueryInterpretException",
        ..EXAMPLE
    },
    Difference {
        name: "the dialect of regular expressions",
        what: "Patterns are those of Rust's regex and fancy-regex, in aw-core those of Python: $ there \
               also matches before a line break at the end, and what a letter or a blank is differs for a \
               few characters.",
        compared: "avoided: patterns mean the same in both",
        b: &[(0.0, 10.0, r#"{"app":"vim\n"}"#)],
        program: "a = query_bucket('b'); RETURN = filter_keyvals_regex(a, 'app', 'vim$');",
        timberline: "[]",
        aw_core: r#"[#1 0+10 {"app":"vim\n"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "the query of a URL",
        what: "split_url_events sets $protocol, $domain, $path and $params, which is the query, as in \
               aw-server-rust; in aw-core the query is in $options, the fragment in $identifier, and \
               $params is what follows a semicolon.",
        compared: "normalised: aw-core's $options is compared with $params",
        b: &[(0.0, 10.0, r##"{"url":"http://a.org/b;p?q#f"}"##)],
        program: "RETURN = split_url_events(query_bucket('b'));",
        timberline: concat!(
            r#"[#1 0+10 {"$domain":"a.org","$params":"q","$path":"/b;p","$protocol":"http","#,
            r##""url":"http://a.org/b;p?q#f"}]"##,
        ),
        aw_core: concat!(
            r#"[#1 0+10 {"$domain":"a.org","$identifier":"f","$options":"q","$params":"p","$path":"/b","#,
            r##""$protocol":"http","url":"http://a.org/b;p?q#f"}]"##,
        ),
        ..EXAMPLE
    },
    Difference {
        name: "hosts of URLs",
        what: "URLs are read as browsers read them, as in aw-server-rust: the host in lower case, without \
               user and port, and without any www. in front; a path is never empty. In aw-core they are \
               cut up as they are written, and one www. is dropped.",
        compared: "avoided: URLs of which both say the same",
        b: &[(0.0, 10.0, r#"{"url":"http://me@www.www.A.org:80"}"#)],
        program: "RETURN = split_url_events(query_bucket('b'));",
        timberline: concat!(
            r#"[#1 0+10 {"$domain":"a.org","$params":"","$path":"/","$protocol":"http","#,
            r#""url":"http://me@www.www.A.org:80"}]"#,
        ),
        aw_core: concat!(
            r#"[#1 0+10 {"$domain":"me@www.www.A.org:80","$identifier":"","$options":"","$params":"","#,
            r#""$path":"","$protocol":"http","url":"http://me@www.www.A.org:80"}]"#,
        ),
        ..EXAMPLE
    },
    Difference {
        name: "what is no URL",
        what: "Events whose url is no URL stay as they are, as in aw-server-rust; in aw-core they get \
               parts that are empty, or are an error when it is no string.",
        compared: "avoided: URLs of which both say the same",
        b: &[(0.0, 10.0, r#"{"url":"no url"}"#)],
        program: "RETURN = split_url_events(query_bucket('b'));",
        timberline: r#"[#1 0+10 {"url":"no url"}]"#,
        aw_core: concat!(
            r#"[#1 0+10 {"$domain":"","$identifier":"","$options":"","$params":"","$path":"no url","#,
            r#""$protocol":"","url":"no url"}]"#,
        ),
        ..EXAMPLE
    },
    Difference {
        name: "titles that are missing",
        what: "simplify_window_titles leaves events as they are that have no such key or no string there; \
               in aw-core they are an error.",
        compared: "avoided: all events have the key",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); RETURN = simplify_window_titles(a, 'title');",
        timberline: r#"[#1 0+10 {"app":"vim"}]"#,
        aw_core: "KeyError",
        ..EXAMPLE
    },
    Difference {
        name: "the order of tags",
        what: "$tags are sorted, each once, as in aw-server-rust; in aw-core in the order of the rules, \
               also twice.",
        compared: "avoided: rules are in the order of their tags, each once",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); r = {'type': 'regex', 'regex': 'v'}; RETURN = tag(a, [['y', r], \
                  ['x', r], ['y', r]]);",
        timberline: r#"[#1 0+10 {"$tags":["x", "y"],"app":"vim"}]"#,
        aw_core: r#"[#1 0+10 {"$tags":["y", "x", "y"],"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "rules with an empty pattern",
        what: "An empty pattern is found in every string; in aw-core a rule with one matches nothing.",
        compared: "avoided: no pattern is empty",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); RETURN = categorize(a, [[['Work'], {'type': 'regex', 'regex': \
                  ''}]]);",
        timberline: r#"[#1 0+10 {"$category":["Work"],"app":"vim"}]"#,
        aw_core: r#"[#1 0+10 {"$category":["Uncategorized"],"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "the type of a rule",
        what: "A rule has a type, as in aw-server-rust: regex, or none, which never matches. aw-core does \
               not look at it.",
        compared: "avoided: every rule with a pattern has the type regex",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); RETURN = categorize(a, [[['Work'], {'type': 'none', 'regex': \
                  'v'}]]);",
        timberline: r#"[#1 0+10 {"$category":["Uncategorized"],"app":"vim"}]"#,
        aw_core: r#"[#1 0+10 {"$category":["Work"],"app":"vim"}]"#,
        ..EXAMPLE
    },
    Difference {
        name: "rules for no keys",
        what: "The select_keys of a rule are at least one; in aw-core none is all.",
        compared: "avoided",
        b: &[(0.0, 10.0, r#"{"app":"vim"}"#)],
        program: "a = query_bucket('b'); r = {'type': 'regex', 'regex': 'v', 'select_keys': []}; RETURN = \
                  categorize(a, [[['Work'], r]]);",
        timberline: "QueryFunctionException",
        aw_core: r#"[#1 0+10 {"$category":["Work"],"app":"vim"}]"#,
        ..EXAMPLE
    },
];
