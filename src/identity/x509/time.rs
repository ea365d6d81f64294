//! Times as certificates write them, and as people read them.

use std::fmt;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Reads UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 has them, by tag and content: unix seconds.
pub(super) fn parse(tag: u8, content: &[u8]) -> Option<i64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = number(content, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => number(content, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let valid = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && rest == b"Z";
    valid.then(|| days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second)
}

/// Unix seconds as `2027-01-31T12:00:00Z` (RFC 3339).
pub fn utc(unix: i64) -> String {
    let (year, month, day) = date(unix.div_euclid(DAY_SECONDS));
    let second = unix.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// How far `then` is from `now`, both in unix seconds: `in 30 days`, `2 hours ago`, `now`.
pub fn relative(then: i64, now: i64) -> String {
    let span = Span(then.abs_diff(now));
    match then.cmp(&now) {
        std::cmp::Ordering::Less => format!("{span} ago"),
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {span}"),
    }
}

/// Seconds, shown in the largest unit of which there are at least two (or one, exactly below).
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.0 {
            seconds if seconds < 2 * MINUTE => (seconds, "second"),
            seconds if seconds < 2 * HOUR => (seconds / MINUTE, "minute"),
            seconds if seconds < 2 * DAY => (seconds / HOUR, "hour"),
            seconds if seconds < 2 * YEAR => (seconds / DAY, "day"),
            seconds => (seconds / YEAR, "year"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural}")
    }
}

fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (text, rest) = text.split_at_checked(digits)?;
    let mut number = 0;
    for digit in text {
        number = number * 10 + i64::from(char::from(*digit).to_digit(10)?);
    }
    Some((number, rest))
}

/// Days since 1970-01-01 of a date in the Gregorian calendar, whose years are taken to begin in
/// March: then the leap day is the last, and every 400 years are alike.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The reverse of [`days`]: year, month and day.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_time_reads_as_a_date() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_801_396_800), "2027-01-31T12:00:00Z");
        assert_eq!(utc(-1), "1969-12-31T23:59:59Z");
        assert_eq!(utc(253_402_300_799), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn no_second_of_an_i64_is_too_far_away() {
        for unix in [i64::MIN, i64::MAX] {
            assert!(utc(unix).ends_with('Z'));
            assert!(relative(unix, 0).contains("years"));
            assert!(relative(unix, -unix.saturating_add(1)).contains("years"));
        }
    }

    #[test]
    fn a_span_is_told_in_the_unit_that_suits_it() {
        let now = 1_700_000_000;
        let day = 86_400;
        assert_eq!(relative(now + 30 * day, now), "in 30 days");
        assert_eq!(relative(now - 7200, now), "2 hours ago");
        assert_eq!(relative(now + 1, now), "in 1 second");
        assert_eq!(relative(now, now), "now");
        assert_eq!(relative(now - 100, now), "100 seconds ago");
        assert_eq!(relative(now + 36 * 3600, now), "in 36 hours");
        assert_eq!(relative(now + 3650 * day, now), "in 10 years");
    }

    #[test]
    fn both_time_types_of_a_certificate_are_read() {
        assert_eq!(parse(0x17, b"270131120000Z"), Some(1_801_396_800));
        assert_eq!(parse(0x17, b"500101000000Z"), Some(-631_152_000));
        assert_eq!(parse(0x18, b"20270131120000Z"), Some(1_801_396_800));
        assert_eq!(parse(0x18, b"99991231235959Z"), Some(253_402_300_799));
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        for text in [
            &b""[..],
            b"270131120000",
            b"271331120000Z",
            b"27013112000xZ",
            b"2701311200Z",
        ] {
            assert_eq!(parse(0x17, text), None, "{text:?}");
        }
        assert_eq!(parse(0x16, b"270131120000Z"), None);
    }

    #[test]
    fn every_day_of_four_centuries_goes_there_and_back() {
        for day in days(1850, 1, 1)..days(2250, 1, 1) {
            let (year, month, day_of_month) = date(day);
            assert_eq!(days(year, month, day_of_month), day);
        }
    }
}
