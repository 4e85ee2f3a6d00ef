//! The tree as a text that parses to it again.

use std::fmt::{self, Display, Formatter};

use super::ast::{Call, Expression, Kind, Program, Quote, Statement};

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.statements.iter().try_for_each(|s| writeln!(f, "{s}"))
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Assign(name, value) => write!(f, "{} = {value};", name.text),
            Statement::Return(None, value) => write!(f, "return {value};"),
            Statement::Return(Some(name), value) => write!(f, "return {} = {value};", name.text),
            Statement::Evaluate(value) => write!(f, "{value};"),
            Statement::If { branches, otherwise } => {
                for (i, (condition, block)) in branches.iter().enumerate() {
                    let word = if i == 0 { "if" } else { " elif" };
                    write!(f, "{word} {condition} {}", Block(block))?;
                }
                if otherwise.is_empty() {
                    return Ok(());
                }
                write!(f, " else {}", Block(otherwise))
            }
        }
    }
}

struct Block<'a>(&'a [Statement]);

impl Display for Block<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{ ")?;
        self.0.iter().try_for_each(|s| write!(f, "{s} "))?;
        f.write_str("}")
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Number(number) => write!(f, "{number}"),
            Kind::Bool(value) => write!(f, "{value}"),
            Kind::Text(text, quote) => write_text(f, text, *quote),
            Kind::Name(name) => f.write_str(name),
            Kind::Call(Call { function, arguments }) => {
                write!(f, "{}(", function.text)?;
                write_list(f, arguments)?;
                f.write_str(")")
            }
            Kind::List(values) => {
                f.write_str("[")?;
                write_list(f, values)?;
                f.write_str("]")
            }
            Kind::Dict(members) => {
                f.write_str("{")?;
                for (i, (key, value)) in members.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write_text(f, &key.text, key.quote)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
            Kind::Chain(first, rest) => {
                write_operand(f, first)?;
                rest.iter().try_for_each(|(operator, operand)| {
                    write!(f, " {} ", operator.symbol())?;
                    write_operand(f, operand)
                })
            }
        }
    }
}

fn write_text(f: &mut Formatter<'_>, text: &str, quote: Quote) -> fmt::Result {
    let mark = quote.character();
    write!(f, "{mark}{}{mark}", text.replace(mark, &format!("\\{mark}")))
}

fn write_list(f: &mut Formatter<'_>, values: &[Expression]) -> fmt::Result {
    values.iter().enumerate().try_for_each(|(i, value)| {
        f.write_str(if i == 0 { "" } else { ", " })?;
        write!(f, "{value}")
    })
}

fn write_operand(f: &mut Formatter<'_>, operand: &Expression) -> fmt::Result {
    match operand.kind {
        Kind::Chain(..) => write!(f, "({operand})"),
        _ => write!(f, "{operand}"),
    }
}
