//! The language: text to tokens ([`lexer`]), tokens to a tree ([`parser`]), the tree ([`ast`]) and where in the text
//! each piece of it stands ([`span`]).
//!
//! One grammar for the programs of both reference servers; `docs/query.md` describes it.

mod ast;
mod error;
mod lexer;
mod parser;
mod print;
mod span;

pub use ast::{Call, Expression, Key, Kind, Name, Operator, Program, Quote, Statement};
pub use error::SyntaxError;
pub use parser::{parse, parse_within};
pub use span::{Position, Span};
