//! The language's text: programs print as text that reads as the same program, nothing makes the parser or the engine
//! panic, and every mistake is reported with its place, what is wrong and what was probably meant.

use std::sync::Arc;

use crate::harness::{Stage, property};
use crate::reference::buckets::Period;
use proptest::prelude::*;
use proptest::sample::select;
use timberline_query::syntax::{
    Call, Expression, Key, Kind, Name, Operator, Program, Quote, Span, Statement, parse,
};

/// A day with nothing in it.
const DAY: Period = Period {
    start: crate::random::NOON,
    end: crate::random::NOON + 86_400 * crate::reference::SECOND,
};

fn name() -> impl Strategy<Value = Name> {
    let names = vec![
        "a",
        "_",
        "RETURN",
        "events_2",
        "ifx",
        "elsewhere",
        "Return",
        "TRUE",
        "nop",
        "größe",
        "имя",
        "x\u{661}",
    ];
    select(names).prop_map(|text| Name {
        text: text.into(),
        span: Span::default(),
    })
}

/// Any text; but one that ends with a backslash cannot be written wherever another string follows.
fn text() -> impl Strategy<Value = Arc<str>> {
    let pieces = vec![
        "",
        "a",
        "\\",
        "\"",
        "'",
        "\\\"",
        "\\'",
        "\n",
        "#",
        "//",
        ";",
        "{",
        "ü",
        "👩‍💻",
        "\u{0}",
        "\\w+",
        " ",
    ];
    prop::collection::vec(select(pieces), 0..6).prop_map(|pieces| {
        let text = pieces.concat();
        text.trim_end_matches('\\').into()
    })
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => (0u32..200).prop_map(f64::from),
        1 => prop::num::f64::POSITIVE | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        1 => select(vec![0.1, 1e21, 1e-7, f64::MAX, f64::MIN_POSITIVE, 9_007_199_254_740_993.0]),
    ]
    .prop_map(f64::abs)
}

fn expression() -> impl Strategy<Value = Expression> {
    let quote = || select(vec![Quote::Single, Quote::Double]);
    let leaf = prop_oneof![
        number().prop_map(Kind::Number),
        any::<bool>().prop_map(Kind::Bool),
        (text(), quote()).prop_map(|(text, quote)| Kind::Text(text, quote)),
        name().prop_map(|name| Kind::Name(name.text)),
    ];
    let operators = || {
        let all = [
            Operator::Add,
            Operator::Subtract,
            Operator::Multiply,
            Operator::Divide,
            Operator::Remainder,
            Operator::Equal,
        ];
        select(all.to_vec())
    };
    leaf.prop_map(at_no_place).prop_recursive(5, 40, 4, move |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        let key = (text(), quote()).prop_map(|(text, quote)| Key { text, quote });
        let kinds = prop_oneof![
            (name(), several()).prop_map(|(function, arguments)| Kind::Call(Call { function, arguments })),
            several().prop_map(Kind::List),
            prop::collection::vec((key, inner.clone()), 0..4).prop_map(Kind::Dict),
            (
                inner.clone(),
                prop::collection::vec((operators(), inner.clone()), 1..4)
            )
                .prop_map(|(first, rest)| Kind::Chain(Box::new(first), rest)),
        ];
        kinds.prop_map(at_no_place)
    })
}

fn at_no_place(kind: Kind) -> Expression {
    let span = Span::default();
    Expression { kind, span }
}

fn program() -> impl Strategy<Value = Program> {
    let simple = prop_oneof![
        (name(), expression()).prop_map(|(name, value)| Statement::Assign(name, value)),
        (prop::option::of(name()), expression()).prop_map(|(name, value)| Statement::Return(name, value)),
        expression().prop_map(Statement::Evaluate),
    ];
    let statement = simple.prop_recursive(3, 20, 3, |inner| {
        let block = || prop::collection::vec(inner.clone(), 0..3);
        let branches = prop::collection::vec((expression(), block()), 1..4);
        (branches, block()).prop_map(|(branches, otherwise)| Statement::If { branches, otherwise })
    });
    prop::collection::vec(statement, 0..6).prop_map(|statements| Program { statements })
}

#[test]
fn a_printed_program_reads_as_the_same_program() {
    property(400, program(), |program| {
        let text = program.to_string();
        match parse(&text) {
            Ok(read) => prop_assert_eq!(read, program, "\n{}", text),
            Err(error) => prop_assert!(false, "{error}\n{text}"),
        }
        Ok(())
    });
}

/// Pieces of programs, whole words and single characters.
const PIECES: &[&str] = &[
    "if",
    "elif",
    "else",
    "return",
    "true",
    "False",
    "RETURN",
    "a",
    "nop",
    "tag",
    "concat",
    "query_bucket",
    "NAME",
    "STARTTIME",
    "TIMEINTERVAL",
    "0",
    "1",
    "2.5",
    ".",
    "1.",
    "==",
    "=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ";",
    "\"",
    "'",
    "\\",
    "\"k\"",
    "'b'",
    "\"(\"",
    "#",
    "\n",
    " ",
    "ü",
    "\u{0}",
    "\u{feff}",
    "👩",
    "RETURN = ",
    "nop()",
    "[]",
    "{}",
    "print()",
];

/// Whatever becomes of a text, nobody panics; and if it is a program, it prints as one that reads the same.
fn survives(stage: &Stage, text: &str) -> Result<(), TestCaseError> {
    if let Ok(program) = parse(text) {
        let printed = program.to_string();
        let read = parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&program), "\n{}\n{}", text, printed);
    }
    if let Err(error) = stage.ask(text, &[DAY]) {
        let kinds = [
            "QueryParseException",
            "QueryInterpretException",
            "QueryFunctionException",
        ];
        prop_assert!(kinds.contains(&error.kind.name()), "{error:?}");
    }
    Ok(())
}

#[test]
fn soup_of_tokens_is_a_program_or_an_error() {
    let stage = Stage::new();
    stage.create("b", "host");
    let soup = prop::collection::vec(select(PIECES), 0..40).prop_map(|pieces| pieces.concat());
    property(1_500, soup, |text| survives(&stage, &text));
}

#[test]
fn any_bytes_are_a_program_or_an_error() {
    let stage = Stage::new();
    let bytes = prop::collection::vec(any::<u8>(), 0..60);
    let text = bytes.prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    property(400, text, |text| survives(&stage, &text));
}

#[test]
fn a_program_with_a_piece_lost_or_added_is_a_program_or_an_error() {
    let stage = Stage::new();
    let cut = (any::<prop::sample::Index>(), 0usize..4, select(PIECES));
    property(300, (program(), cut), |(program, (place, length, piece))| {
        let mut letters: Vec<char> = program.to_string().chars().collect();
        let start = place.index(letters.len() + 1);
        let end = (start + length).min(letters.len());
        letters.splice(start..end, piece.chars());
        survives(&stage, &letters.into_iter().collect::<String>())
    });
}
