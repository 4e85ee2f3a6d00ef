//! Where a name is used for the last time, so that its value can be given away there.

use rustc_hash::FxHashSet;

use super::names::is_read_by_functions;
use crate::syntax::{Expression, Kind, Program, Span, Statement};

/// The places of last uses in a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastUses(FxHashSet<u32>);

impl LastUses {
    pub(crate) fn of(program: &Program) -> LastUses {
        let mut finder = Finder::default();
        finder.needed.insert("RETURN");
        finder.statements_backwards(&program.statements);
        LastUses(finder.last)
    }

    pub(super) fn contains(&self, name: Span) -> bool {
        self.0.contains(&name.start)
    }
}

/// Walks from the end of the program to its beginning.
#[derive(Default)]
struct Finder<'a> {
    /// Names whose value is needed by what comes later.
    needed: FxHashSet<&'a str>,
    last: FxHashSet<u32>,
}

impl<'a> Finder<'a> {
    fn statements_backwards(&mut self, statements: &'a [Statement]) {
        for statement in statements.iter().rev() {
            match statement {
                Statement::Assign(name, value) => {
                    self.needed.remove(&*name.text);
                    self.expression_backwards(value);
                }
                Statement::Return(name, value) => {
                    self.needed.remove("RETURN");
                    if let Some(name) = name {
                        self.needed.remove(&*name.text);
                    }
                    self.expression_backwards(value);
                }
                Statement::Evaluate(value) => self.expression_backwards(value),
                // Whether a branch is taken is not known: whatever is used in any of them is needed before it, and
                // given away in none.
                Statement::If { .. } => self.need_all(statement),
            }
        }
    }

    fn expression_backwards(&mut self, expression: &'a Expression) {
        if let Kind::Name(name) = &expression.kind {
            if self.needed.insert(name) && !is_read_by_functions(name) {
                self.last.insert(expression.span.start);
            }
            return;
        }
        for part in parts(expression).into_iter().rev() {
            self.expression_backwards(part);
        }
    }

    fn need_all(&mut self, statement: &'a Statement) {
        match statement {
            Statement::Assign(_, value) | Statement::Return(_, value) | Statement::Evaluate(value) => {
                self.need_names(value);
            }
            Statement::If { branches, otherwise } => {
                for (condition, block) in branches {
                    self.need_names(condition);
                    block.iter().for_each(|s| self.need_all(s));
                }
                otherwise.iter().for_each(|s| self.need_all(s));
            }
        }
    }

    fn need_names(&mut self, expression: &'a Expression) {
        if let Kind::Name(name) = &expression.kind {
            self.needed.insert(name);
        }
        for part in parts(expression) {
            self.need_names(part);
        }
    }
}

/// The expressions an expression is made of, in the order in which they are evaluated.
fn parts(expression: &Expression) -> Vec<&Expression> {
    match &expression.kind {
        Kind::Number(_) | Kind::Bool(_) | Kind::Text(..) | Kind::Name(_) => Vec::new(),
        Kind::Call(call) => call.arguments.iter().collect(),
        Kind::List(values) => values.iter().collect(),
        Kind::Dict(members) => members.iter().map(|(_, value)| value).collect(),
        Kind::Chain(first, rest) => {
            let operands = rest.iter().map(|(_, operand)| operand);
            std::iter::once(&**first).chain(operands).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    /// The program with each last use marked.
    fn marked(program: &str) -> String {
        let last = LastUses::of(&parse(program).unwrap());
        let mut places: Vec<u32> = last.0.into_iter().collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        let mut marked = program.to_owned();
        places.into_iter().for_each(|at| marked.insert(at as usize, '!'));
        marked
    }

    #[test]
    fn a_value_is_given_away_where_nobody_needs_it_later() {
        assert_eq!(
            marked("e = 1; e = f(e); RETURN = [e, e];"),
            "e = 1; e = f(!e); RETURN = [e, !e];"
        );
        assert_eq!(
            marked("a = 1; RETURN = a; b = RETURN;"),
            "a = 1; RETURN = !a; b = RETURN;"
        );
        assert_eq!(marked("a = 1; return a;"), "a = 1; return !a;");
    }

    #[test]
    fn nothing_is_given_away_in_a_branch() {
        let program = "a = 1; b = a; if b == 1 { RETURN = a; } RETURN = [b, a];";
        assert_eq!(
            marked(program),
            "a = 1; b = a; if b == 1 { RETURN = a; } RETURN = [!b, !a];"
        );
    }
}
