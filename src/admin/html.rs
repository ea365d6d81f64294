//! HTML going out: markup of ours as it is, everything else escaped.

use std::fmt::{self, Display, Write};

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours: only what stands in the source can be.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A text, of whoever it is: in an element, or in an attribute's quotes.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to a string fails only when a value's own Display does.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// A row of a list of terms.
    pub(super) fn term(&mut self, term: &'static str, text: impl Display) -> &mut Self {
        self.raw("<dt>").raw(term).raw("<dd>").text(text)
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // HTML has no way to write most of them.
                control if control.is_control() => self.0.extend(control.escape_default()),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let mut html = Html::default();
        html.raw("<p>").text("</p><script>'\"&amp;\0\u{1b}\u{fc}");
        assert_eq!(
            html.finish(),
            "<p>&lt;/p&gt;&lt;script&gt;&#39;&quot;&amp;amp;\\u{0}\\u{1b}\u{fc}"
        );
    }
}
