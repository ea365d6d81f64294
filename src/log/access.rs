//! The access log: one line a request, in logfmt.

use std::cell::Cell;
use std::fmt::{self, Display, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use log::Level;
use rustix::stdio::stdout;

use super::put::{end, put};
use super::{DAEMON, Style, Syslog, Utc, priority};

/// Where lines go, and how they begin.
#[derive(Debug)]
pub struct AccessLog {
    sink: Sink,
    /// Lines that nobody took, since the last one that somebody did.
    lost: Cell<u64>,
}

#[derive(Debug)]
enum Sink {
    Stdout(Style),
    Syslog(Arc<Syslog>),
}

impl AccessLog {
    /// The access log on standard output, or with the system's logger.
    pub fn new(syslog: Option<Arc<Syslog>>) -> Self {
        Self {
            sink: match syslog {
                Some(syslog) => Sink::Syslog(syslog),
                None => Sink::Stdout(Style::of_stdout()),
            },
            lost: Cell::new(0),
        }
    }

    /// Writes one line. A reader that does not keep up is not waited for: lines are lost then, and
    /// the log says so once it reads on.
    pub fn write(&self, now: SystemTime, fields: &Fields) {
        let taken = match &self.sink {
            Sink::Stdout(style) => put(stdout(), line(*style, now, fields).as_bytes()),
            Sink::Syslog(syslog) => {
                let priority = DAEMON | priority(Level::Info);
                syslog.send(priority, &fields.0).is_ok()
            }
        };
        match taken {
            true => match self.lost.take() {
                0 => {}
                lost => ::log::warn!("access log: {lost} lines were lost, its reader was too slow"),
            },
            false => self.lost.set(self.lost.get() + 1),
        }
    }
}

fn line(style: Style, now: SystemTime, fields: &Fields) -> String {
    let mut line = match style {
        Style::Journal => format!("<{}>", priority(Level::Info)),
        Style::Plain => format!("time={} ", Utc(now)),
        Style::Bare => String::new(),
    };
    line.push_str(&fields.0);
    end(&mut line);
    line
}

/// `key=value` pairs, as logfmt has them. Printable ASCII whatever the values hold.
#[derive(Debug, Default)]
pub struct Fields(String);

impl Fields {
    /// One more pair.
    pub fn add(&mut self, key: &'static str, value: impl Display) {
        self.key(key);
        let start = self.0.len();
        // Writing to a string fails only when a value's own Display does.
        let _ = write!(Escaped(&mut self.0), "{value}");
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'=' && byte != b'"';
        let value = &self.0.as_bytes()[start..];
        if value.is_empty() || !value.iter().copied().all(is_plain) {
            self.0.insert(start, '"');
            self.0.push('"');
        }
    }

    /// One more pair, with `-` for what there is not.
    pub fn add_if(&mut self, key: &'static str, value: Option<impl Display>) {
        match value {
            Some(value) => self.add(key, value),
            None => self.add(key, '-'),
        }
    }

    /// One more pair, in seconds.
    pub fn add_time(&mut self, key: &'static str, time: Option<Duration>) {
        self.add_if(key, time.map(Seconds));
    }

    fn key(&mut self, key: &'static str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(key);
        self.0.push('=');
    }
}

/// A duration in seconds, to the microsecond.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}

/// Writes on in ASCII, with everything escaped that could end a value or a line.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                ' ' => self.0.push(' '),
                '"' | '\\' => self.0.extend(['\\', character]),
                _ if character.is_ascii_graphic() => self.0.push(character),
                _ => self.0.extend(character.escape_default()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(value: &str) -> String {
        let mut fields = Fields::default();
        fields.add("k", value);
        fields.0
    }

    #[test]
    fn plain_values_stand_as_they_are_and_others_in_quotes() {
        assert_eq!(field("/a?b&c%20"), "k=/a?b&c%20");
        assert_eq!(field("a b"), "k=\"a b\"");
        assert_eq!(field("a=b"), "k=\"a=b\"");
        assert_eq!(field(""), "k=\"\"");
    }

    #[test]
    fn no_value_can_end_itself_or_its_line() {
        assert_eq!(field("a\" status=200"), "k=\"a\\\" status=200\"");
        assert_eq!(field("\\"), "k=\\\\");
        assert_eq!(
            field("a\r\nb\u{7f}\u{e9}\u{2028}"),
            "k=a\\r\\nb\\u{7f}\\u{e9}\\u{2028}"
        );
    }

    #[test]
    fn what_there_is_not_is_a_dash_and_times_are_seconds() {
        let mut fields = Fields::default();
        fields.add_if("a", None::<&str>);
        fields.add_time("b", Some(Duration::from_micros(1_000_042)));
        fields.add_time("c", None);
        assert_eq!(fields.0, "a=- b=1.000042 c=-");
    }
}
