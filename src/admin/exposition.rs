//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use crate::metrics::Histogram;

/// The media type.
pub(super) const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A label's name and value.
pub(super) type Label<'a> = (&'static str, &'a str);

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

/// A metric that is being written. All its samples stand together.
pub(super) struct Metric<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Exposition {
    /// What only grows; its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "counter", help)
    }

    /// What goes up and down.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "gauge", help)
    }

    /// Durations by their length.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.metric(name, "histogram", help)
    }

    /// No help of ours has a backslash or a line feed, which would have to be escaped.
    fn metric(&mut self, name: &'static str, kind: &str, help: &str) -> Metric<'_> {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Metric {
            text: &mut self.0,
            name,
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl Metric<'_> {
    /// One value.
    pub(super) fn is(&mut self, labels: &[Label<'_>], value: impl Display) {
        self.line("", labels, value);
    }

    /// One value, if there is one.
    pub(super) fn is_if(&mut self, labels: &[Label<'_>], value: Option<impl Display>) {
        if let Some(value) = value {
            self.is(labels, value);
        }
    }

    /// All values of a histogram, in seconds.
    pub(super) fn spreads(&mut self, label: Label<'_>, histogram: &Histogram) {
        for (milliseconds, count) in histogram.cumulative() {
            let bound = (milliseconds as f64 / 1000.0).to_string();
            self.line("_bucket", &[label, ("le", &bound)], count);
        }
        self.line("_bucket", &[label, ("le", "+Inf")], histogram.count());
        self.line("_sum", &[label], histogram.sum().as_secs_f64());
        self.line("_count", &[label], histogram.count());
    }

    fn line(&mut self, end: &str, labels: &[Label<'_>], value: impl Display) {
        self.text.push_str(self.name);
        self.text.push_str(end);
        for (index, (name, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(value, self.text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escape(value: &str, into: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => into.push_str("\\\\"),
            '"' => into.push_str("\\\""),
            '\n' => into.push_str("\\n"),
            character => into.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_metric_has_its_help_and_type_once_and_then_its_samples() {
        let mut text = Exposition::default();
        let mut metric = text.counter("a_total", "What a is.");
        metric.is(&[("x", "1"), ("y", "2")], 3);
        metric.is(&[], 4.5);
        metric.is_if(&[], None::<u8>);
        assert_eq!(
            text.finish(),
            "# HELP a_total What a is.\n# TYPE a_total counter\na_total{x=\"1\",y=\"2\"} 3\na_total 4.5\n"
        );
    }

    #[test]
    fn no_label_can_end_itself_or_its_line() {
        let mut text = Exposition::default();
        text.gauge("a", "A.").is(&[("x", "a\"} 1\nb\\")], 1);
        assert!(text.finish().ends_with("\na{x=\"a\\\"} 1\\nb\\\\\"} 1\n"));
    }

    #[test]
    fn a_histogram_is_in_seconds_and_ends_with_all() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(30));
        histogram.observe(Duration::from_secs(60));
        let mut text = Exposition::default();
        text.histogram("a_seconds", "A.")
            .spreads(("x", "1"), &histogram);
        let text = text.finish();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines[0], "a_seconds_bucket{x=\"1\",le=\"0.005\"} 0");
        assert_eq!(lines[3], "a_seconds_bucket{x=\"1\",le=\"0.05\"} 1");
        assert_eq!(
            lines[lines.len() - 4..],
            [
                "a_seconds_bucket{x=\"1\",le=\"10\"} 1",
                "a_seconds_bucket{x=\"1\",le=\"+Inf\"} 2",
                "a_seconds_sum{x=\"1\"} 60.03",
                "a_seconds_count{x=\"1\"} 2",
            ]
        );
    }
}
