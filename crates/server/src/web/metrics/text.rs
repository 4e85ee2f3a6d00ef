//! Prometheus' text format.

use std::fmt::Write;

/// Metrics as text. Every name gets the prefix `timberline_`.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A value that may go up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    /// A value that only grows until the server ends.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "counter", help);
        self.sample(name, &[], value);
    }

    /// Begins a metric, whose samples follow.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP timberline_{name} {help}\n# TYPE timberline_{name} {kind}"
        );
    }

    /// A sample of the metric that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.0, "timberline_{name}");
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(text));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A label's value.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_line_or_its_quotes() {
        let mut text = Text::default();
        text.family("x", "gauge", "An x.");
        text.sample("x", &[("a", "\"}\n\\"), ("b", "é")], 1.5);
        text.sample("x", &[], 2.0);
        let expected = "# HELP timberline_x An x.\n# TYPE timberline_x gauge\n\
                        timberline_x{a=\"\\\"}\\n\\\\\",b=\"é\"} 1.5\ntimberline_x 2\n";
        assert_eq!(text.finish(), expected);
    }
}
