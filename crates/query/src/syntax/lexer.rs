//! Text to tokens.

use std::fmt;
use std::sync::Arc;

use super::ast::{Operator, Quote};
use super::error::SyntaxError;
use super::span::Span;

/// The smallest piece that means something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(Arc<str>),
    Number(f64),
    Text(Arc<str>, Quote),
    Bool(bool),
    Word(Word),
    Operator(Operator),
    Assign,
    Open(char),
    Close(char),
    Comma,
    Colon,
    Semicolon,
    End,
}

/// Words that cannot be names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    If,
    Elif,
    Else,
    Return,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Name(name) => write!(f, "the name `{name}`"),
            Token::Number(number) => write!(f, "the number {number}"),
            Token::Text(..) => f.write_str("a string"),
            Token::Bool(value) => write!(f, "`{value}`"),
            Token::Word(Word::If) => f.write_str("`if`"),
            Token::Word(Word::Elif) => f.write_str("`elif`"),
            Token::Word(Word::Else) => f.write_str("`else`"),
            Token::Word(Word::Return) => f.write_str("`return`"),
            Token::Operator(operator) => write!(f, "`{}`", operator.symbol()),
            Token::Assign => f.write_str("`=`"),
            Token::Open(c) | Token::Close(c) => write!(f, "`{c}`"),
            Token::Comma => f.write_str("`,`"),
            Token::Colon => f.write_str("`:`"),
            Token::Semicolon => f.write_str("`;`"),
            Token::End => f.write_str("the end of the query"),
        }
    }
}

/// Reads tokens from the front of a text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    /// The next token and where it stands.
    pub(super) fn next(&mut self) -> Result<(Token, Span), SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        let token = self.token()?;
        Ok((token, self.span(start)))
    }

    fn span(&self, start: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            start: offset(start),
            end: offset(self.at),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// White space, and comments: from `#` to the end of the line.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn token(&mut self) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        if first.is_alphabetic() || first == '_' {
            return Ok(self.word());
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if rest.starts_with("==") {
            self.at += 2;
            return Ok(Token::Operator(Operator::Equal));
        }
        let start = self.at;
        self.at += first.len_utf8();
        Ok(match first {
            '"' => return self.string(start, Quote::Double),
            '\'' => return self.string(start, Quote::Single),
            '+' => Token::Operator(Operator::Add),
            '-' => Token::Operator(Operator::Subtract),
            '*' => Token::Operator(Operator::Multiply),
            '/' => Token::Operator(Operator::Divide),
            '%' => Token::Operator(Operator::Remainder),
            '=' => Token::Assign,
            '(' | '[' | '{' => Token::Open(first),
            ')' | ']' | '}' => Token::Close(first),
            ',' => Token::Comma,
            ':' => Token::Colon,
            ';' => Token::Semicolon,
            other => {
                let message = format!("the character {other:?} means nothing here");
                return Err(SyntaxError::new(message, self.span(start)));
            }
        })
    }

    fn word(&mut self) -> Token {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.at += length;
        match rest.get(..length).unwrap_or_default() {
            "if" => Token::Word(Word::If),
            "elif" => Token::Word(Word::Elif),
            "else" => Token::Word(Word::Else),
            "return" => Token::Word(Word::Return),
            "true" | "True" => Token::Bool(true),
            "false" | "False" => Token::Bool(false),
            name => Token::Name(name.into()),
        }
    }

    /// `12`, `12.5` and `12.`
    fn number(&mut self) -> Result<Token, SyntaxError> {
        let start = self.at;
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        self.at += digits(self.rest());
        if self.rest().starts_with('.') {
            self.at += 1;
            self.at += digits(self.rest());
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Number(number)),
            _ => Err(SyntaxError::new("this number is too large", self.span(start))),
        }
    }

    /// A string, of which `start` is the opening quote. A backslash makes the quote after it part of the string; any
    /// other backslash is a backslash, as regular expressions need it. It ends at the first quote without a backslash or,
    /// when there is none in all of the rest, at the last quote: so a string may end with a backslash, too.
    fn string(&mut self, start: usize, quote: Quote) -> Result<Token, SyntaxError> {
        let rest = self.rest();
        let mark = quote.character();
        let bytes = rest.as_bytes();
        let mut quotes = rest.match_indices(mark).map(|(at, _)| at);
        let plain = |at: &usize| at.checked_sub(1).and_then(|i| bytes.get(i)) != Some(&b'\\');
        let Some(length) = quotes.find(plain).or_else(|| rest.rfind(mark)) else {
            self.at = self.text.len();
            let message = format!("this string is not closed: it needs another {mark}");
            return Err(SyntaxError::new(message, self.span(start)));
        };
        self.at += length + 1;
        let written = rest.get(..length).unwrap_or_default();
        let text = written.replace(&format!("\\{mark}"), &mark.to_string());
        Ok(Token::Text(text.into(), quote))
    }
}
