//! How mistakes are reported: their sort, the line and column, what is wrong, and what was probably meant. Each row is a
//! program as somebody may have written it.

use crate::harness::Stage;
use crate::reference::buckets::Period;

/// The sort of a mistake, as the answer's `type`.
const SYNTAX: &str = "QueryParseException";
const MEANING: &str = "QueryInterpretException";
const ARGUMENT: &str = "QueryFunctionException";

struct Mistake {
    program: &'static str,
    kind: &'static str,
    /// Line and column, from one.
    place: Option<(u32, u32)>,
    /// Parts of the message.
    says: &'static [&'static str],
}

const fn mistake(
    program: &'static str,
    kind: &'static str,
    place: (u32, u32),
    says: &'static [&'static str],
) -> Mistake {
    Mistake {
        program,
        kind,
        place: Some(place),
        says,
    }
}

/// Programs that cannot be read.
const SYNTAX_ERRORS: &[Mistake] = &[
    mistake("RETURN = 1", SYNTAX, (1, 11), &["`;`", "end of the query"]),
    mistake("a = 1\nRETURN = a;", SYNTAX, (1, 6), &["`;`", "`RETURN`"]),
    mistake(
        "a = 1;\nb = a +;\nRETURN = b;",
        SYNTAX,
        (2, 8),
        &["a value", "`;`"],
    ),
    mistake("RETURN = -1;", SYNTAX, (1, 10), &["a value", "`-`"]),
    mistake("RETURN = .5;", SYNTAX, (1, 10), &["'.'"]),
    mistake("RETURN = nop(;", SYNTAX, (1, 14), &["a value", "`;`"]),
    mistake("RETURN = [1, 2;", SYNTAX, (1, 15), &["`,`", "`]`", "`;`"]),
    mistake("RETURN = [1, 2,];", SYNTAX, (1, 16), &["a value", "`]`"]),
    mistake("RETURN = {a: 1};", SYNTAX, (1, 11), &["a key", "string", "`a`"]),
    mistake("RETURN = {\"a\" 1};", SYNTAX, (1, 15), &["`:`", "the number 1"]),
    mistake(
        "x = 1;\nRETURN = \"never closed;\n",
        SYNTAX,
        (2, 10),
        &["not closed", "\""],
    ),
    mistake("ünï = 'ü'; $ = 1;", SYNTAX, (1, 12), &["'$'"]),
    mistake("nop() = 1;", SYNTAX, (1, 1), &["only a name can be assigned"]),
    mistake(
        "if true { RETURN = 1; };\n}",
        SYNTAX,
        (2, 1),
        &["a statement", "`}`"],
    ),
    mistake("if true RETURN = 1;", SYNTAX, (1, 9), &["`{`", "`RETURN`"]),
    mistake("else { RETURN = 1; }", SYNTAX, (1, 1), &["`else`"]),
    Mistake {
        program: "a = 1;",
        kind: SYNTAX,
        place: None,
        says: &["no result", "RETURN"],
    },
];

/// Names, numbers of arguments, and operators.
const MEANING_ERRORS: &[Mistake] = &[
    mistake(
        "RETURN = find_bukcet(\"b\");",
        MEANING,
        (1, 10),
        &["`find_bukcet`", "`find_bucket`?"],
    ),
    mistake(
        "\n\n  RETURN = flod([]);",
        MEANING,
        (3, 12),
        &["no function `flod`", "`flood`?"],
    ),
    mistake(
        "RETURN = frobnicate();",
        MEANING,
        (1, 10),
        &["no function `frobnicate`"],
    ),
    mistake(
        "events = [];\nRETURN = concat([], evnets);",
        MEANING,
        (2, 21),
        &["`evnets`", "`events`?"],
    ),
    mistake(
        "RETURN = STARTIME;",
        MEANING,
        (1, 10),
        &["`STARTIME`", "`STARTTIME`?"],
    ),
    mistake("RETURN = nop;", MEANING, (1, 10), &["function `nop`", "call it"]),
    mistake(
        "RETURN = nop(1);",
        MEANING,
        (1, 10),
        &["nop takes no arguments", "found 1"],
    ),
    mistake(
        "RETURN = flood([], 7);",
        MEANING,
        (1, 10),
        &["flood takes 1 argument", "events", "found 2"],
    ),
    mistake(
        "RETURN = find_bucket();",
        MEANING,
        (1, 10),
        &["find_bucket takes 1 or 2", "prefix, hostname"],
    ),
    mistake(
        "RETURN = 1 + \"a\";",
        MEANING,
        (1, 14),
        &["`+`", "the number 1", "\"a\""],
    ),
    mistake(
        "RETURN = (1 ==\n  true);",
        MEANING,
        (2, 3),
        &["`==`", "one kind", "true"],
    ),
    mistake(
        "RETURN = [] - [];",
        MEANING,
        (1, 15),
        &["`-`", "numbers", "a list"],
    ),
    mistake("a = 0;\nRETURN = 1 / a;", MEANING, (2, 14), &["divided by zero"]),
    mistake("RETURN = 5 % 0;", MEANING, (1, 14), &["divided by zero"]),
    mistake("RETURN = 0 % 0.0;", MEANING, (1, 14), &["divided by zero"]),
    mistake(
        "z = 0 - 0;\nRETURN = 5 % z;",
        MEANING,
        (2, 14),
        &["divided by zero"],
    ),
    mistake(
        "if 1 { RETURN = 1; }",
        MEANING,
        (1, 4),
        &["a bool", "the number 1"],
    ),
];

/// Arguments of the wrong kind, or that name what is not there.
const ARGUMENT_ERRORS: &[Mistake] = &[
    mistake(
        "RETURN = flood(7);",
        ARGUMENT,
        (1, 16),
        &["flood", "argument 1 (events)", "a list", "the number 7"],
    ),
    mistake(
        "RETURN = flood([7]);",
        ARGUMENT,
        (1, 16),
        &["flood", "list of events", "the number 7"],
    ),
    mistake(
        "RETURN = filter_keyvals([],\n  1, []);",
        ARGUMENT,
        (2, 3),
        &["filter_keyvals", "argument 2 (key)", "a string", "the number 1"],
    ),
    mistake(
        "RETURN = filter_keyvals([], \"app\", \"vim\");",
        ARGUMENT,
        (1, 36),
        &["filter_keyvals", "argument 3 (values)", "a list", "\"vim\""],
    ),
    mistake(
        "RETURN = filter_keyvals_regex([], \"app\", \"(\");",
        ARGUMENT,
        (1, 42),
        &[
            "filter_keyvals_regex",
            "argument 3 (pattern)",
            "regular expression",
            "\"(\"",
        ],
    ),
    mistake(
        "RETURN = merge_events_by_keys([], [\"a\", 2]);",
        ARGUMENT,
        (1, 35),
        &[
            "merge_events_by_keys",
            "argument 2 (keys)",
            "list of strings",
            "the number 2",
        ],
    ),
    mistake(
        "RETURN = limit_events([], \"2\");",
        ARGUMENT,
        (1, 27),
        &["limit_events", "(count)", "a number"],
    ),
    mistake(
        "RETURN = query_bucket(\"aw-watcher-windwo\");",
        ARGUMENT,
        (1, 23),
        &["query_bucket", "'aw-watcher-windwo'", "'aw-watcher-window'?"],
    ),
    mistake(
        "RETURN = query_bucket(\"x\");",
        ARGUMENT,
        (1, 23),
        &["'x'", "query_bucket_names()"],
    ),
    mistake(
        "RETURN = find_bucket(\"nowhere\");",
        ARGUMENT,
        (1, 22),
        &["find_bucket", "'nowhere'"],
    ),
    mistake(
        "RETURN = find_bucket(\"aw\", \"desk\");",
        ARGUMENT,
        (1, 22),
        &["find_bucket", "'aw'", "'desk'"],
    ),
    mistake(
        "TIMEINTERVAL = \"today\";\nRETURN = query_bucket(\"aw-watcher-window\");",
        ARGUMENT,
        (2, 10),
        &["TIMEINTERVAL", "today"],
    ),
    mistake(
        "RETURN = categorize([], [[[\"A\"], {\"type\": \"regex\"}]]);",
        ARGUMENT,
        (1, 25),
        &["categorize", "argument 2 (rules)", "rule 1", "regex"],
    ),
    mistake(
        "RETURN = categorize([], [\n[[\"A\"], {\"type\": \"none\"}],\n[\"B\", {\"type\": \"none\"}]]);",
        ARGUMENT,
        (1, 25),
        &["categorize", "rule 2", "category", "\"B\""],
    ),
    mistake(
        "RETURN = tag([], [[\"t\", {\"type\": \"regexp\", \"regex\": \"a\"}]]);",
        ARGUMENT,
        (1, 18),
        &["tag", "rule 1", "\"regexp\"", "\"regex\""],
    ),
    mistake(
        "RETURN = contains(1, 2);",
        ARGUMENT,
        (1, 19),
        &["contains", "argument 1", "a list or a dict"],
    ),
];

fn each_is_told(mistakes: &[Mistake]) {
    let stage = Stage::new();
    stage.create("aw-watcher-window", "laptop");
    let day = Period {
        start: crate::random::NOON,
        end: crate::random::NOON + crate::reference::SECOND,
    };
    let mut wrong = Vec::new();
    for Mistake {
        program,
        kind,
        place,
        says,
    } in mistakes
    {
        let Err(error) = stage.ask(program, &[day]) else {
            wrong.push(format!("{program}\n  is no mistake"));
            continue;
        };
        let found = error.position.map(|position| (position.line, position.column));
        let text = error.to_string();
        if error.kind.name() != *kind || found != *place {
            wrong.push(format!(
                "{program}\n  {} at {found:?}, not {kind} at {place:?}",
                error.kind.name()
            ));
        }
        if let Some((line, column)) = place
            && !text.starts_with(&format!("line {line}, column {column}: "))
        {
            wrong.push(format!("{program}\n  {text:?} does not begin with the place"));
        }
        for part in says.iter().filter(|part| !text.contains(**part)) {
            wrong.push(format!("{program}\n  {text:?} does not say {part:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_cannot_be_read_is_told_where_it_is_and_what_was_expected() {
    each_is_told(SYNTAX_ERRORS);
}

#[test]
fn wrong_names_numbers_of_arguments_and_operators_are_told_with_what_was_meant() {
    each_is_told(MEANING_ERRORS);
}

#[test]
fn wrong_arguments_are_told_with_their_function_and_name() {
    each_is_told(ARGUMENT_ERRORS);
}
