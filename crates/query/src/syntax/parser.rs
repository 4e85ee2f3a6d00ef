//! Tokens to a tree: recursive descent, bounded in depth.
//!
//! ```text
//! program    = statement*
//! statement  = "if" chain block ("elif" chain block)* ("else" block)? | ("return"? (name "=")? chain)? ";"
//! block      = "{" statement* "}"
//! chain      = operand (operator operand)*
//! operand    = number | string | bool | name | name "(" chains? ")" | "[" chains? "]" | "{" members? "}" | "(" chain ")"
//! chains     = chain ("," chain)*
//! members    = string ":" chain ("," string ":" chain)*
//! ```

use std::sync::Arc;

use super::ast::{Call, Expression, Key, Kind, Name, Program, Statement};
use super::error::SyntaxError;
use super::lexer::{Lexer, Token, Word};
use super::span::Span;

/// Brackets and blocks that may be open at once when nobody says otherwise.
const DEPTH: usize = 64;

/// Reads a program.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(text: &str) -> Result<Program, SyntaxError> {
    parse_within(text, DEPTH)
}

/// Reads a program in which at most `depth` brackets and blocks may be open at once.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse_within(text: &str, depth: usize) -> Result<Program, SyntaxError> {
    let mut lexer = Lexer::new(text);
    let next = lexer.next()?;
    let mut parser = Parser {
        lexer,
        next,
        left: depth,
        depth,
        last: Span::default(),
    };
    let statements = parser.statements()?;
    match parser.peek() {
        Token::End => Ok(Program { statements }),
        _ => Err(parser.expected("a statement")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: (Token, Span),
    /// Brackets that may still be opened.
    left: usize,
    depth: usize,
    /// The token before the next.
    last: Span,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.next.0
    }

    fn span(&self) -> Span {
        self.next.1
    }

    fn advance(&mut self) -> Result<Token, SyntaxError> {
        let (token, span) = std::mem::replace(&mut self.next, self.lexer.next()?);
        self.last = span;
        Ok(token)
    }

    fn eat(&mut self, token: &Token) -> Result<bool, SyntaxError> {
        let found = self.peek() == token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, token: &Token) -> Result<(), SyntaxError> {
        if self.eat(token)? {
            Ok(())
        } else {
            Err(self.expected(&token.to_string()))
        }
    }

    fn expected(&self, what: &str) -> SyntaxError {
        SyntaxError::new(format!("expected {what}, found {}", self.peek()), self.span())
    }

    /// Reads what is in brackets, unless they are too many.
    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(SyntaxError {
                message: format!("more than {} brackets are open here", self.depth),
                span: self.span(),
                too_deep: true,
            });
        };
        self.left = left;
        let value = read(self)?;
        self.left += 1;
        Ok(value)
    }

    fn statements(&mut self) -> Result<Vec<Statement>, SyntaxError> {
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                Token::End | Token::Close('}') => return Ok(statements),
                Token::Semicolon => {
                    self.advance()?;
                }
                Token::Word(Word::If) => statements.push(self.condition()?),
                _ => statements.push(self.simple()?),
            }
        }
    }

    fn condition(&mut self) -> Result<Statement, SyntaxError> {
        let mut branches = Vec::new();
        self.advance()?;
        loop {
            let condition = self.chain()?;
            branches.push((condition, self.block()?));
            if !self.eat(&Token::Word(Word::Elif))? {
                break;
            }
        }
        let otherwise = match self.eat(&Token::Word(Word::Else))? {
            true => self.block()?,
            false => Vec::new(),
        };
        Ok(Statement::If { branches, otherwise })
    }

    fn block(&mut self) -> Result<Vec<Statement>, SyntaxError> {
        self.expect(&Token::Open('{'))?;
        let statements = self.nested(Self::statements)?;
        self.expect(&Token::Close('}'))?;
        Ok(statements)
    }

    fn simple(&mut self) -> Result<Statement, SyntaxError> {
        let returns = self.eat(&Token::Word(Word::Return))?;
        let begun = self.span();
        let mut value = self.chain()?;
        let mut name = None;
        if let Token::Assign = self.peek() {
            name = Some(match value.kind {
                Kind::Name(text) => Name { text, span: begun },
                _ => {
                    let message = "only a name can be assigned to";
                    return Err(SyntaxError::new(message, value.span));
                }
            });
            self.advance()?;
            value = self.chain()?;
        }
        if !self.eat(&Token::Semicolon)? {
            let message = format!("expected `;` after the statement, found {}", self.peek());
            // Where it is missing, not where the next thing happens to stand.
            let end = Span {
                start: self.last.end,
                end: self.last.end,
            };
            return Err(SyntaxError::new(message, end));
        }
        Ok(match (returns, name) {
            (true, name) => Statement::Return(name, value),
            (false, Some(name)) => Statement::Assign(name, value),
            (false, None) => Statement::Evaluate(value),
        })
    }

    fn chain(&mut self) -> Result<Expression, SyntaxError> {
        let first = self.operand()?;
        let mut rest = Vec::new();
        while let Token::Operator(operator) = *self.peek() {
            self.advance()?;
            rest.push((operator, self.operand()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let span = first.span.to(self.last);
        Ok(Expression {
            kind: Kind::Chain(Box::new(first), rest),
            span,
        })
    }

    fn operand(&mut self) -> Result<Expression, SyntaxError> {
        let begun = self.span();
        let kind = match self.peek() {
            Token::Number(number) => Kind::Number(*number),
            Token::Bool(value) => Kind::Bool(*value),
            Token::Text(text, quote) => Kind::Text(Arc::clone(text), *quote),
            Token::Name(text) => {
                let name = Name {
                    text: Arc::clone(text),
                    span: begun,
                };
                self.advance()?;
                return self.name_or_call(name);
            }
            Token::Open(bracket) => {
                let bracket = *bracket;
                return self.bracketed(bracket);
            }
            _ => return Err(self.expected("a value")),
        };
        self.advance()?;
        Ok(Expression { kind, span: begun })
    }

    fn name_or_call(&mut self, function: Name) -> Result<Expression, SyntaxError> {
        let begun = function.span;
        let kind = if self.eat(&Token::Open('('))? {
            let arguments = self.nested(|p| p.list(')'))?;
            Kind::Call(Call { function, arguments })
        } else {
            Kind::Name(function.text)
        };
        Ok(Expression {
            kind,
            span: begun.to(self.last),
        })
    }

    fn bracketed(&mut self, bracket: char) -> Result<Expression, SyntaxError> {
        let begun = self.span();
        self.advance()?;
        let kind = match bracket {
            '[' => Kind::List(self.nested(|p| p.list(']'))?),
            '{' => Kind::Dict(self.nested(Self::members)?),
            _ => {
                // What counts is what is inside.
                let inner = self.nested(Self::chain)?;
                self.expect(&Token::Close(')'))?;
                return Ok(inner);
            }
        };
        Ok(Expression {
            kind,
            span: begun.to(self.last),
        })
    }

    /// Values up to the closing bracket, which is read too.
    fn list(&mut self, close: char) -> Result<Vec<Expression>, SyntaxError> {
        let mut values = Vec::new();
        if self.eat(&Token::Close(close))? {
            return Ok(values);
        }
        loop {
            values.push(self.chain()?);
            if !self.another(close)? {
                return Ok(values);
            }
        }
    }

    fn members(&mut self) -> Result<Vec<(Key, Expression)>, SyntaxError> {
        let mut members = Vec::new();
        if self.eat(&Token::Close('}'))? {
            return Ok(members);
        }
        loop {
            let Token::Text(text, quote) = self.peek() else {
                return Err(self.expected("a key, which is a string such as \"key\""));
            };
            let key = Key {
                text: Arc::clone(text),
                quote: *quote,
            };
            self.advance()?;
            self.expect(&Token::Colon)?;
            members.push((key, self.chain()?));
            if !self.another('}')? {
                return Ok(members);
            }
        }
    }

    /// Whether there is a comma rather than the closing bracket.
    fn another(&mut self, close: char) -> Result<bool, SyntaxError> {
        if self.eat(&Token::Comma)? {
            return Ok(true);
        }
        if self.eat(&Token::Close(close))? {
            return Ok(false);
        }
        Err(self.expected(&format!("`,` or `{close}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sum_is_flat_and_deep_brackets_are_refused() {
        let sum = format!("RETURN = 1{};", "+1".repeat(50_000));
        assert_eq!(parse(&sum).unwrap().statements.len(), 1);
        let error = parse(&format!("RETURN = {};", "[".repeat(100_000))).unwrap_err();
        assert!(error.too_deep, "{error}");
        assert!(parse(&format!("RETURN = {}1{};", "(".repeat(64), ")".repeat(64))).is_ok());
        assert!(parse(&format!("x = {}1{};", "(".repeat(65), ")".repeat(65))).is_err());
    }

    #[test]
    fn a_string_may_end_with_a_backslash_when_nothing_else_closes_it() {
        let text = |source: &str| match parse(source).unwrap().statements.first() {
            Some(Statement::Evaluate(Expression {
                kind: Kind::Text(text, _),
                ..
            })) => text.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(r#""a\";"#), r"a\");
        assert_eq!(text(r#""a\"b";"#), r#"a"b"#);
        assert_eq!(text(r#""\w\\";"#), r"\w\\");
        assert_eq!(text(r"'it\'s';"), "it's");
    }

    #[test]
    fn what_is_printed_is_read_as_it_was_also_where_a_string_ends_with_a_backslash() {
        for source in [
            r#"RETURN = ["a\", {'k': 1}];"#,
            r#"RETURN = ["a", {'k': 1}];"#,
            r#"a = {"b": 'it\'s'};"#,
        ] {
            if let Ok(program) = parse(source) {
                assert_eq!(parse(&program.to_string()).unwrap(), program, "{source}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_named_where_it_is_missing() {
        let error = parse("a = 1\nRETURN = a;").unwrap_err();
        assert_eq!(
            error.message,
            "expected `;` after the statement, found the name `RETURN`"
        );
        assert_eq!((error.span.start, error.span.end), (5, 5));
    }
}
