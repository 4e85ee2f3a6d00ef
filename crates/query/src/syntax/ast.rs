//! The tree of a program.
//!
//! Operators all have one rank, so a sum of any length is a flat list and not a tree as deep as it is long: no program
//! makes whoever walks the tree recurse deeper than its brackets are nested. Two trees are equal when they say the
//! same, wherever it stands.

use std::sync::Arc;

use super::span::Span;

/// Statements, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// In the order of the text.
    pub statements: Vec<Statement>,
}

/// What a program does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `name = value;`
    Assign(Name, Expression),
    /// `return value;`, and `return name = value;`, which assigns and returns the empty value. Neither ends the program.
    Return(Option<Name>, Expression),
    /// `value;`
    Evaluate(Expression),
    /// `if a { … } elif b { … } else { … }`
    If {
        /// Conditions and what to do when they hold; the first that does counts.
        branches: Vec<(Expression, Vec<Statement>)>,
        /// What to do when none does.
        otherwise: Vec<Statement>,
    },
}

/// A name, as it is written.
#[derive(Clone, Debug)]
pub struct Name {
    /// Its letters.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}

/// Something that has a value.
#[derive(Clone, Debug)]
pub struct Expression {
    /// What.
    pub kind: Kind,
    /// Where.
    pub span: Span,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.kind == other.kind
    }
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `1.5`
    Number(f64),
    /// `true`
    Bool(bool),
    /// `"text"` or `'text'`: what it stands for, and how it was quoted.
    Text(Arc<str>, Quote),
    /// `name`
    Name(Arc<str>),
    /// `name(a, b)`
    Call(Call),
    /// `[a, b]`
    List(Vec<Expression>),
    /// `{"key": a}`; of equal keys the last counts.
    Dict(Vec<(Key, Expression)>),
    /// `a + b * c`: from left to right.
    Chain(Box<Expression>, Vec<(Operator, Expression)>),
}

/// A key of a dict.
#[derive(Clone, Debug)]
pub struct Key {
    /// What it stands for.
    pub text: Arc<str>,
    /// How it was quoted.
    pub quote: Quote,
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.text == other.text
    }
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which.
    pub function: Name,
    /// With what.
    pub arguments: Vec<Expression>,
}

/// The quotes around a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// `'`
    Single,
    /// `"`
    Double,
}

impl Quote {
    pub(super) fn character(self) -> char {
        match self {
            Quote::Single => '\'',
            Quote::Double => '"',
        }
    }
}

/// What joins two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `==`
    Equal,
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
            Operator::Equal => "==",
        }
    }
}
