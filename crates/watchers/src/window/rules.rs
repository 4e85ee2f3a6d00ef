//! Rules that a person writes: which windows are not recorded, or not as they are.

use regex::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

use super::{Front, PrivateWindows};

/// A rule as it is written in a configuration file.
///
/// `app` and `title` are regular expressions that are searched for, whatever the case (`(?-i)` asks for the same case). Both
/// must be found; one that is missing is found everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the name of the program must contain.
    #[serde(default)]
    pub app: Option<String>,
    /// What the title must contain.
    #[serde(default)]
    pub title: Option<String>,
    /// Whether the window is not recorded.
    #[serde(default)]
    pub drop: bool,
    /// The name to record instead. `$1` and `${name}` are groups of `title`, or of `app` if the rule has no `title`.
    #[serde(default)]
    pub set_app: Option<String>,
    /// The title to record instead, with the same groups.
    #[serde(default)]
    pub set_title: Option<String>,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A pattern is not a regular expression.
    #[error("the pattern '{pattern}' of window rule {number} is not a valid regular expression")]
    Pattern {
        /// Which rule, from 1.
        number: usize,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// A rule does nothing.
    #[error("window rule {number} does nothing: give it 'drop = true', 'set_app' or 'set_title'")]
    NoEffect {
        /// Which rule, from 1.
        number: usize,
    },
}

/// What is recorded of a window, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What is recorded; `None`: nothing.
    pub recorded: Option<Front>,
    /// What has changed or dropped it, in order.
    pub causes: Vec<Cause>,
}

/// What changes or drops a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is a private window of a browser.
    PrivateWindow,
    /// The rule with this number, from 1.
    Rule(usize),
}

/// Compiled rules. Each sees what those before it have left; the rule for private windows comes first.
///
/// ```
/// use timberline_watchers::window::{Front, PrivateWindows, Rule, Rules};
///
/// let rules = Rules::new(PrivateWindows::HideTitle, &[
///     Rule { app: Some("keepass".into()), drop: true, ..Rule::default() },
///     Rule { title: Some(r"^\W*(\S+) — mail$".into()), set_title: Some("mail: $1".into()), ..Rule::default() },
/// ])?;
/// let front = |app: &str, title: &str| Front { app: app.to_owned(), title: title.to_owned() };
/// assert_eq!(rules.apply(front("KeePassXC", "passwords")), None);
/// assert_eq!(rules.apply(front("tb", "⠋ Inbox — Mail")), Some(front("tb", "mail: Inbox")));
/// # Ok::<(), timberline_watchers::window::RuleError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rules {
    private: PrivateWindows,
    rules: Vec<Compiled>,
}

#[derive(Clone, Debug)]
struct Compiled {
    app: Option<Regex>,
    title: Option<Regex>,
    drop: bool,
    set_app: Option<String>,
    set_title: Option<String>,
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// When a pattern is not a regular expression, or a rule has no effect.
    pub fn new(private: PrivateWindows, rules: &[Rule]) -> Result<Rules, RuleError> {
        let compile = |(index, rule)| Compiled::of(index + 1, rule);
        let rules = rules.iter().enumerate().map(compile).collect::<Result<_, _>>()?;
        Ok(Rules { private, rules })
    }

    /// What is recorded of a window, and why, for users who try rules.
    #[must_use]
    pub fn explain(&self, front: &Front) -> Explanation {
        let mut causes = Vec::new();
        let mut current = front.clone();
        let private = std::iter::once((Cause::PrivateWindow, None));
        let rules = self.rules.iter().enumerate();
        let rules = rules.map(|(index, rule)| (Cause::Rule(index + 1), Some(rule)));
        for (cause, rule) in private.chain(rules) {
            let result = match rule {
                Some(rule) => rule.apply(current.clone()),
                None => self.private.apply(current.clone()),
            };
            if result.as_ref() != Some(&current) {
                causes.push(cause);
            }
            match result {
                Some(left) => current = left,
                None => {
                    return Explanation {
                        recorded: None,
                        causes,
                    };
                }
            }
        }
        Explanation {
            recorded: Some(current),
            causes,
        }
    }

    /// What is recorded of a window; `None`: nothing.
    #[must_use]
    pub fn apply(&self, front: Front) -> Option<Front> {
        let front = self.private.apply(front)?;
        self.rules.iter().try_fold(front, |front, rule| rule.apply(front))
    }
}

impl Compiled {
    fn of(number: usize, rule: &Rule) -> Result<Compiled, RuleError> {
        if !rule.drop && rule.set_app.is_none() && rule.set_title.is_none() {
            return Err(RuleError::NoEffect { number });
        }
        let compile = |pattern: &Option<String>| {
            let regex = pattern.as_ref().map(|pattern| {
                let regex = RegexBuilder::new(pattern).case_insensitive(true).build();
                regex.map_err(|source| RuleError::Pattern {
                    number,
                    pattern: pattern.clone(),
                    source: Box::new(source),
                })
            });
            regex.transpose()
        };
        Ok(Compiled {
            app: compile(&rule.app)?,
            title: compile(&rule.title)?,
            drop: rule.drop,
            set_app: rule.set_app.clone(),
            set_title: rule.set_title.clone(),
        })
    }

    fn apply(&self, front: Front) -> Option<Front> {
        let find = |regex: &Option<Regex>, text| match regex {
            Some(regex) => regex.captures(text).map(Some),
            None => Some(None),
        };
        let (Some(app), Some(title)) = (find(&self.app, &front.app), find(&self.title, &front.title)) else {
            return Some(front);
        };
        if self.drop {
            return None;
        }
        let groups = title.or(app);
        let replaced = Front {
            app: replace(self.set_app.as_deref(), groups.as_ref(), &front.app),
            title: replace(self.set_title.as_deref(), groups.as_ref(), &front.title),
        };
        Some(replaced)
    }
}

fn replace(template: Option<&str>, groups: Option<&Captures<'_>>, old: &str) -> String {
    let (Some(template), Some(groups)) = (template, groups) else {
        return template.unwrap_or(old).to_owned();
    };
    let mut new = String::new();
    groups.expand(template, &mut new);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(app: &str, title: &str) -> Front {
        Front {
            app: app.to_owned(),
            title: title.to_owned(),
        }
    }

    fn rules(toml: &str) -> Result<Rules, RuleError> {
        #[derive(Deserialize)]
        struct File {
            rule: Vec<Rule>,
        }
        let file: File = toml::from_str(toml).expect("a file");
        Rules::new(PrivateWindows::Record, &file.rule)
    }

    #[test]
    fn each_rule_sees_what_those_before_it_have_left() {
        let rules = rules(
            r"
            [[rule]]
            app = '^(org\.)?kde\.(?<name>\w+)$'
            set_app = '${name}'
            [[rule]]
            app = '^konsole$'
            title = '^(\S+) : \w+'
            set_title = '$1'
            ",
        )
        .expect("good rules");
        let recorded = rules.apply(front("org.kde.konsole", "repo : bash"));
        assert_eq!(recorded, Some(front("konsole", "repo")));
        assert_eq!(
            rules.apply(front("xterm", "repo : bash")),
            Some(front("xterm", "repo : bash"))
        );
    }

    #[test]
    fn rules_that_cannot_work_are_refused_with_their_number() {
        let error = rules("[[rule]]\napp = 'a'\n").expect_err("no effect").to_string();
        assert!(error.contains("window rule 1 does nothing"), "{error}");
        let error = rules("[[rule]]\napp = '('\ndrop = true\n").expect_err("no pattern");
        assert!(error.to_string().contains("'(' of window rule 1"), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn an_explanation_names_the_rules_that_have_an_effect() {
        let rules = rules(
            r"
            [[rule]]
            app = 'term'
            set_app = 'terminal'
            [[rule]]
            app = '^vim$'
            drop = true
            [[rule]]
            title = 'secret'
            drop = true
            ",
        )
        .expect("good rules");
        let explained = |app: &str, title: &str| {
            let explanation = rules.explain(&front(app, title));
            assert_eq!(explanation.recorded, rules.apply(front(app, title)));
            explanation.causes
        };
        assert_eq!(explained("emacs", "notes"), []);
        assert_eq!(explained("xterm", "notes"), [Cause::Rule(1)]);
        assert_eq!(explained("xterm", "secret"), [Cause::Rule(1), Cause::Rule(3)]);
        assert_eq!(explained("vim", "secret"), [Cause::Rule(2)]);
    }

    #[test]
    fn case_does_not_matter_unless_the_pattern_says_so() {
        let loose = rules("[[rule]]\ntitle = 'secret'\ndrop = true\n").expect("good");
        assert_eq!(loose.apply(front("a", "My SECRET plan")), None);
        let strict = rules("[[rule]]\ntitle = '(?-i)secret'\ndrop = true\n").expect("good");
        assert!(strict.apply(front("a", "My SECRET plan")).is_some());
    }
}
