//! What is said on stderr: one line a message, as a journal or a terminal likes it.

mod access;
mod put;
mod syslog;

pub use access::{AccessLog, Fields};
pub use syslog::{DEV_LOG, Syslog};

use std::fmt::{self, Write as _};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use log::{Level, LevelFilter, Record};

use put::Stderr;

/// The part of a record's target that is this program's own.
const OWN: &str = env!("CARGO_CRATE_NAME");

/// How a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `<N>` with a syslog priority (sd-daemon(3)); the journal has the time.
    Journal,
    /// The time in UTC, and the level.
    Plain,
    /// Nothing: whoever takes the line has the time and the level already.
    Bare,
}

impl Style {
    /// [`Style::Journal`] when stderr is the very stream that systemd says it is (systemd.exec(5),
    /// `JOURNAL_STREAM`); the variable alone is inherited by programs that redirect stderr.
    pub fn of_stderr() -> Self {
        Self::of_descriptor(2)
    }

    /// The same of stdout.
    pub fn of_stdout() -> Self {
        Self::of_descriptor(1)
    }

    fn of_descriptor(number: u8) -> Self {
        let named = std::env::var("JOURNAL_STREAM").ok();
        let stream = fs::metadata(format!("/proc/self/fd/{number}")).ok();
        Self::of(named, stream.map(|file| (file.dev(), file.ino())))
    }

    fn of(named: Option<String>, stream: Option<(u64, u64)>) -> Self {
        let stream = stream.map(|(device, inode)| format!("{device}:{inode}"));
        match named.is_some() && named == stream {
            true => Self::Journal,
            false => Self::Plain,
        }
    }
}

/// Sends what is logged to stderr, or to the system's logger. At `debug` and `trace` the libraries'
/// records come too, but never their `trace`: what TLS would print there is nobody's business. A
/// reader that does not keep up is not waited for: lines are lost then, and the log says so once it
/// reads on. A second call does nothing.
pub fn init(level: LevelFilter, syslog: Option<Arc<Syslog>>) {
    let stderr = Stderr::new();
    let libraries = match level {
        LevelFilter::Debug | LevelFilter::Trace => LevelFilter::Debug,
        _ => LevelFilter::Off,
    };
    // It fails only when a logger is there already, which then stays.
    let _ = env_logger::Builder::new()
        .filter_level(libraries)
        .filter_module(OWN, level)
        .format(move |_, record| {
            let now = SystemTime::now();
            match &syslog {
                Some(syslog) => {
                    let line = format(Style::Bare, now, record);
                    syslog.write(DAEMON | priority(record.level()), &line);
                }
                None => stderr.write(now, record),
            }
            Ok(())
        })
        .try_init();
}

/// One line for `record`, without its end. Control characters are escaped: a name that a peer
/// chose cannot forge a line.
pub fn format(style: Style, now: SystemTime, record: &Record<'_>) -> String {
    let mut line = match style {
        Style::Journal => format!("<{}>", priority(record.level())),
        Style::Plain => format!("{} {:<5} ", Utc(now), name(record.level())),
        Style::Bare => String::new(),
    };
    let mut escaped = Escaped(&mut line);
    // Writing to a string fails only when a value's own Display does.
    let _ = match is_own(record.target()) {
        true => write!(escaped, "{}", record.args()),
        false => write!(escaped, "{}: {}", record.target(), record.args()),
    };
    line
}

/// Leaves at most so many bytes, and whole characters.
fn cut(text: &mut String, most: usize) {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

fn is_own(target: &str) -> bool {
    let rest = target.strip_prefix(OWN);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// The facility of system daemons, to be combined with a priority (syslog(3)).
const DAEMON: u8 = 3 << 3;

/// syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Writes on, with everything escaped that could end a line or move the cursor.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\u{2028}' | '\u{2029}' => self.0.extend(character.escape_default()),
                _ if character.is_control() => self.0.extend(character.escape_default()),
                _ => self.0.push(character),
            }
        }
        Ok(())
    }
}

/// `2026-01-31T12:00:00Z`; a time before 1970 is shown as 1970.
struct Utc(SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs();
        let (year, month, day) = date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Year, month and day of a day counted from 1970. Years are counted from March, so that the leap
/// day comes last; a month's length then follows from its number.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    const FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    let days = days + FROM_MARCH_OF_YEAR_0;
    let of_era = days % DAYS_IN_400_YEARS;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = days / DAYS_IN_400_YEARS * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: Duration = Duration::from_secs(1_769_860_800);

    fn line(style: Style, level: Level, target: &str, message: &str) -> String {
        let now = UNIX_EPOCH + NOON;
        let args = format_args!("{message}");
        let record = Record::builder()
            .level(level)
            .target(target)
            .args(args)
            .build();
        format(style, now, &record)
    }

    #[test]
    fn a_terminal_gets_the_time_and_the_level() {
        assert_eq!(
            line(Style::Plain, Level::Info, "egret::app", "ready"),
            "2026-01-31T12:00:00Z info  ready"
        );
        assert_eq!(
            line(Style::Plain, Level::Error, "egret", "failed"),
            "2026-01-31T12:00:00Z error failed"
        );
    }

    #[test]
    fn a_journal_gets_a_priority_and_no_time() {
        let rows = [
            (Level::Error, "<3>x"),
            (Level::Warn, "<4>x"),
            (Level::Info, "<6>x"),
            (Level::Debug, "<7>x"),
            (Level::Trace, "<7>x"),
        ];
        for (level, expected) in rows {
            assert_eq!(line(Style::Journal, level, "egret", "x"), expected);
        }
    }

    #[test]
    fn a_hostile_name_cannot_forge_a_line() {
        let forged = "a\n<0>b\r\n\u{1b}[2Jc\u{7f}\u{85}\u{2028}\0é";
        assert_eq!(
            line(Style::Journal, Level::Info, "egret", forged),
            "<6>a\\n<0>b\\r\\n\\u{1b}[2Jc\\u{7f}\\u{85}\\u{2028}\\u{0}é"
        );
    }

    #[test]
    fn a_librarys_record_names_the_library() {
        assert_eq!(
            line(Style::Journal, Level::Debug, "rustls::client::hs", "hello"),
            "<7>rustls::client::hs: hello"
        );
        assert_eq!(
            line(Style::Journal, Level::Debug, "egret_plugin", "hello"),
            "<7>egret_plugin: hello"
        );
    }

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        let rows = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ];
        for (seconds, expected) in rows {
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Utc(now).to_string(), expected);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut former = date(0);
        for day in 1..200_000 {
            let (year, month, day) = date(day);
            let follows = match day {
                1 => (former.0 + u64::from(month == 1), former.1 % 12 + 1) == (year, month),
                _ => (former.0, former.1, former.2 + 1) == (year, month, day),
            };
            assert!(follows, "{former:?} before {year}-{month}-{day}");
            former = (year, month, day);
        }
    }

    #[test]
    fn a_clock_before_1970_is_shown_as_1970() {
        let now = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Utc(now).to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn stderr_is_a_journal_only_when_it_is_the_stream_that_systemd_named() {
        let named = |text: &str| Some(text.to_owned());
        let rows = [
            (named("8:1234"), Some((8, 1234)), Style::Journal),
            (named("8:1234"), Some((8, 1235)), Style::Plain),
            (named("8:1234"), None, Style::Plain),
            (named(""), Some((8, 1234)), Style::Plain),
            (None, Some((8, 1234)), Style::Plain),
            (None, None, Style::Plain),
        ];
        for (named, stderr, expected) in rows {
            assert_eq!(Style::of(named, stderr), expected);
        }
    }
}
