//! When a rule holds: searches and conditions, joined by AND, OR and NOT.

/// An expression over the numbers of searches and conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// It never holds.
    Never,
    /// The search finds its pattern in the event's data.
    Found(usize),
    /// The condition on the event's time holds.
    When(usize),
    /// All of them hold.
    All(Vec<Expression>),
    /// At least one of them holds.
    Any(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
}

impl Expression {
    /// Whether it holds for data in which these searches were found. Of conditions, `when` may not know whether they hold;
    /// then the answer is `None`, unless it is the same either way.
    pub(super) fn holds(
        &self,
        found: &dyn Fn(usize) -> bool,
        when: &dyn Fn(usize) -> Option<bool>,
    ) -> Option<bool> {
        match self {
            Expression::Never => Some(false),
            Expression::Found(search) => Some(found(*search)),
            Expression::When(condition) => when(*condition),
            Expression::All(parts) => join(parts, false, found, when),
            Expression::Any(parts) => join(parts, true, found, when),
            Expression::Not(part) => part.holds(found, when).map(|holds| !holds),
        }
    }

    /// Calls `see` with each search that it depends on.
    pub(super) fn searches(&self, see: &mut dyn FnMut(usize)) {
        match self {
            Expression::Never | Expression::When(_) => {}
            Expression::Found(search) => see(*search),
            Expression::All(parts) | Expression::Any(parts) => {
                parts.iter().for_each(|part| part.searches(see))
            }
            Expression::Not(part) => part.searches(see),
        }
    }
}

/// One part that is `decisive` decides; else one that is not known leaves the whole unknown.
fn join(
    parts: &[Expression],
    decisive: bool,
    found: &dyn Fn(usize) -> bool,
    when: &dyn Fn(usize) -> Option<bool>,
) -> Option<bool> {
    let mut result = Some(!decisive);
    for part in parts {
        match part.holds(found, when) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_matters_only_if_the_rest_does_not_decide() {
        let when = || Expression::When(0);
        let found = |n: usize| n == 1;
        let unknown = |_: usize| None;
        let holds = |expression: Expression| expression.holds(&found, &unknown);
        assert_eq!(
            holds(Expression::All(vec![when(), Expression::Found(0)])),
            Some(false)
        );
        assert_eq!(holds(Expression::All(vec![when(), Expression::Found(1)])), None);
        assert_eq!(
            holds(Expression::Any(vec![when(), Expression::Found(1)])),
            Some(true)
        );
        assert_eq!(holds(Expression::Any(vec![when(), Expression::Found(0)])), None);
        assert_eq!(holds(Expression::Not(Box::new(when()))), None);
        assert_eq!(holds(Expression::Not(Box::new(Expression::Never))), Some(true));
    }
}
