//! Lines for people: a title, then labels and values, aligned and within a width.

use std::io::IsTerminal;

/// The widest line. A word that is longer stays whole: it is there to be copied.
const WIDTH: usize = 100;
/// Where values begin.
const INDENT: usize = 17;

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    Plain,
    /// It is a title.
    Bold,
    /// All is good.
    Good,
    /// Something is wrong.
    Bad,
}

impl Tone {
    /// Its SGR code (ECMA-48 §8.3.117).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Good => "32",
            Self::Bad => "31",
        }
    }
}

/// Whether stdout wants colour: it is a terminal, and `NO_COLOR` says nothing.
pub fn wants_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stdout().is_terminal()
}

/// Text that grows line by line.
#[derive(Debug)]
pub struct Sheet {
    colour: bool,
    text: String,
}

impl Sheet {
    /// An empty one.
    pub fn new(colour: bool) -> Self {
        let text = String::new();
        Self { colour, text }
    }

    /// What was written.
    pub fn into_text(self) -> String {
        self.text
    }

    /// A line from the left margin.
    pub fn title(&mut self, text: &str) {
        for line in wrapped(text, WIDTH) {
            self.line("", &line, Tone::Bold);
        }
    }

    /// A label and its value; without a label it goes on with the one before.
    pub fn row(&mut self, label: &str, value: &str) {
        self.toned(label, value, Tone::Plain);
    }

    /// The same in a tone.
    pub fn toned(&mut self, label: &str, value: &str, tone: Tone) {
        let mut label = format!("  {label:<0$}", INDENT - 2);
        for line in wrapped(value, WIDTH - INDENT) {
            self.line(&label, &line, tone);
            label = " ".repeat(INDENT);
        }
    }

    fn line(&mut self, label: &str, value: &str, tone: Tone) {
        self.text += label;
        if self.colour && tone != Tone::Plain {
            self.text += &format!("\u{1b}[{}m{value}\u{1b}[0m", tone.code());
        } else {
            self.text += value;
        }
        self.text.push('\n');
    }
}

/// `text` in lines of at most `width`, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_wrap_under_themselves_and_long_words_stay_whole() {
        let mut sheet = Sheet::new(false);
        let long = "x".repeat(120);
        let words = "word ".repeat(20);
        sheet.row("label", &format!("{words}{long} end"));
        let text = sheet.into_text();
        let lines: Vec<&str> = text.lines().collect();
        let margin = " ".repeat(INDENT);
        assert!(
            lines[0].starts_with("  label          word word "),
            "{text}"
        );
        assert!(lines[0].len() <= 100 && lines[0].len() > 95, "{text}");
        assert!(lines[1].starts_with(&format!("{margin}word")), "{text}");
        assert_eq!(lines[2], format!("{margin}{long}"));
        assert_eq!(lines[3], format!("{margin}end"));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn colour_is_around_the_value_alone_and_only_where_it_is_wanted() {
        let painted = |colour| {
            let mut sheet = Sheet::new(colour);
            sheet.toned("a", "b", Tone::Bad);
            sheet.into_text()
        };
        assert_eq!(painted(false), "  a              b\n");
        assert_eq!(painted(true), "  a              \u{1b}[31mb\u{1b}[0m\n");
    }
}
