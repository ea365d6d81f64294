//! Single values: numbers, durations, sizes, words, files.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{Fault, host};
use crate::limits;

/// The longest ALPN protocol (RFC 7301 §3.1).
const ALPN_MAX: usize = 255;
/// Permission bits: read, write and execute, without those that mean something on programs.
const MODE_MAX: u32 = 0o777;
/// The number that stands for no user at all (chown(2)).
const NO_UID: u32 = u32::MAX;

/// What switches something.
pub(super) const ON_OFF: [(&str, bool); 2] = [("on", true), ("off", false)];

/// The most or the least that a value may be; shown as the option takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A plain number.
    Count(u64),
    /// Bytes.
    Size(u64),
    /// A time.
    Time(Duration),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Size(size) => in_largest_unit(f, u128::from(size), &SIZE_UNITS),
            Self::Time(time) => in_largest_unit(f, time.as_millis(), &TIME_UNITS),
        }
    }
}

/// Suffix and bytes, smallest first.
const SIZE_UNITS: [(&str, u128); 3] = [("", 1), ("k", 1024), ("m", 1024 * 1024)];
/// Suffix and milliseconds, smallest first.
const TIME_UNITS: [(&str, u128); 3] = [("ms", 1), ("s", 1000), ("m", 60_000)];

fn in_largest_unit(
    f: &mut fmt::Formatter<'_>,
    amount: u128,
    units: &[(&str, u128)],
) -> fmt::Result {
    let exact = |(_, unit): &&(&str, u128)| amount > 0 && amount.is_multiple_of(*unit);
    match units.iter().rfind(exact) {
        Some((suffix, unit)) => write!(f, "{}{suffix}", amount / unit),
        None => write!(f, "{amount}"),
    }
}

/// A whole number from `least` to `most`.
pub(super) fn count(text: &str, least: usize, most: usize) -> Result<usize, Fault> {
    let number = digits(text).ok_or(Fault::NotANumber)?;
    if number < least as u128 {
        return Err(Fault::Below(Bound::Count(least as u64)));
    }
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= most)
        .ok_or(Fault::Above(Bound::Count(most as u64)))
}

/// Bytes from `least` to `most`: `16384`, `16k`, `1m`.
pub(super) fn size(text: &str, least: u64, most: u64) -> Result<u64, Fault> {
    let bytes = amount(text, &SIZE_UNITS).ok_or(Fault::NotASize)?;
    if bytes < u128::from(least) {
        return Err(Fault::Below(Bound::Size(least)));
    }
    u64::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes <= most)
        .ok_or(Fault::Above(Bound::Size(most)))
}

/// A time that may be zero: `500ms`, `5s`, `2m`, or seconds.
pub(super) fn duration_or_zero(text: &str) -> Result<Duration, Fault> {
    let millis = match digits(text) {
        Some(seconds) => seconds.saturating_mul(1000),
        None => amount(text, &TIME_UNITS).ok_or(Fault::NotADuration)?,
    };
    u64::try_from(millis)
        .map(Duration::from_millis)
        .ok()
        .filter(|time| *time <= limits::DURATION_MAX)
        .ok_or(Fault::Above(Bound::Time(limits::DURATION_MAX)))
}

/// A time of more than zero.
pub(super) fn duration(text: &str) -> Result<Duration, Fault> {
    match duration_or_zero(text)? {
        Duration::ZERO => Err(Fault::ZeroDuration),
        time => Ok(time),
    }
}

/// One of the words of a table, and what it stands for.
pub(super) fn word<T: Copy>(text: &str, table: &[(&'static str, T)]) -> Result<T, Fault> {
    table
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| Fault::NotOneOf(table.iter().map(|(word, _)| *word).collect()))
}

/// A file's path.
pub(super) fn file(text: &str) -> Result<PathBuf, Fault> {
    if text.is_empty() {
        Err(Fault::NoFile)
    } else {
        Ok(PathBuf::from(text))
    }
}

/// Permission bits in octal: `0660`, `600`.
pub(super) fn mode(text: &str) -> Result<u32, Fault> {
    digits(text)
        .and_then(|_| u32::from_str_radix(text, 8).ok())
        .filter(|mode| *mode <= MODE_MAX)
        .ok_or(Fault::Mode)
}

/// The number of a user.
pub(super) fn uid(text: &str) -> Result<u32, Fault> {
    digits(text)
        .and_then(|uid| u32::try_from(uid).ok())
        .filter(|uid| *uid != NO_UID)
        .ok_or(Fault::Uid)
}

/// The name of a group, or its number. Whether there is such a group is for the system to say.
pub(super) fn group(text: &str) -> Result<String, Fault> {
    if text.is_empty() || text.contains(|c: char| c == ':' || c.is_control()) {
        return Err(Fault::Group);
    }
    Ok(text.to_owned())
}

/// `HOST[:PORT]`, as it goes out in Host.
pub(super) fn authority(text: &str) -> Result<String, Fault> {
    host::authority(text)?;
    Ok(text.to_owned())
}

/// An ALPN protocol; empty is none.
pub(super) fn alpn(text: &str) -> Result<Option<String>, Fault> {
    if text.len() > ALPN_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::Alpn);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The name of an identity.
pub(super) fn identity_name(text: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=limits::IDENTITY_NAME_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Fault::IdentityName)
    }
}

/// A number with the suffix of a unit, in the smallest unit; the largest number stands for overflow.
fn amount(text: &str, units: &[(&str, u128)]) -> Option<u128> {
    units.iter().find_map(|(suffix, unit)| {
        text.strip_suffix(suffix)
            .and_then(digits)
            .map(|number| number.saturating_mul(*unit))
    })
}

/// Decimal digits and nothing else; the largest number stands for overflow.
fn digits(text: &str) -> Option<u128> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u128::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_bare_number_is_seconds() {
        let good = [
            ("500ms", 500),
            ("5s", 5000),
            ("2m", 120_000),
            ("7", 7000),
            ("0", 0),
            ("0ms", 0),
        ];
        for (text, millis) in good {
            assert_eq!(
                duration_or_zero(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "", "s", "ms", "5h", "5 s", "-1", "+1", "1.5s", "1e3", "5S", "٣",
        ] {
            assert_eq!(duration_or_zero(text), Err(Fault::NotADuration), "{text}");
        }
    }

    #[test]
    fn a_duration_may_be_the_maximum_and_no_more() {
        let above = Err(Fault::Above(Bound::Time(limits::DURATION_MAX)));
        assert_eq!(duration("1440m"), Ok(limits::DURATION_MAX));
        for text in [
            "1441m",
            "86401",
            "86400001ms",
            "99999999999999999999999999999999999999999m",
        ] {
            assert_eq!(duration(text), above, "{text}");
        }
        assert_eq!(duration("0s"), Err(Fault::ZeroDuration));
    }

    #[test]
    fn sizes_have_units_and_bounds() {
        assert_eq!(size("16384", 1, 1 << 20), Ok(16384));
        assert_eq!(size("16k", 1, 1 << 20), Ok(16384));
        assert_eq!(size("1m", 1, 1 << 20), Ok(1 << 20));
        assert_eq!(
            size("2m", 1, 1 << 20),
            Err(Fault::Above(Bound::Size(1 << 20)))
        );
        assert_eq!(
            size("18446744073709551616m", 1, u64::MAX),
            Err(Fault::Above(Bound::Size(u64::MAX)))
        );
        assert_eq!(size("0", 1, 9), Err(Fault::Below(Bound::Size(1))));
        for text in ["", "k", "1g", "0x10", "1kk"] {
            assert_eq!(size(text, 1, 9), Err(Fault::NotASize), "{text}");
        }
    }

    #[test]
    fn a_bound_is_shown_in_the_largest_unit_that_fits() {
        assert_eq!(Bound::Time(limits::DURATION_MAX).to_string(), "1440m");
        assert_eq!(Bound::Time(Duration::from_secs(75)).to_string(), "75s");
        assert_eq!(
            Bound::Time(Duration::from_millis(1500)).to_string(),
            "1500ms"
        );
        assert_eq!(Bound::Size(32 * 1024).to_string(), "32k");
        assert_eq!(Bound::Size(1000).to_string(), "1000");
        assert_eq!(Bound::Size(1 << 20).to_string(), "1m");
    }

    #[test]
    fn permission_bits_are_octal_and_at_most_0777() {
        for (text, bits) in [("0660", 0o660), ("600", 0o600), ("0", 0), ("00777", 0o777)] {
            assert_eq!(mode(text), Ok(bits), "{text}");
        }
        for text in [
            "",
            "0o660",
            "1777",
            "888",
            "+660",
            "-1",
            "rw",
            "99999999999",
        ] {
            assert_eq!(mode(text), Err(Fault::Mode), "{text}");
        }
    }

    #[test]
    fn a_user_is_a_number() {
        for (text, number) in [("0", 0), ("1000", 1000), ("4294967294", u32::MAX - 1)] {
            assert_eq!(uid(text), Ok(number), "{text}");
        }
        for text in [
            "",
            "root",
            "-1",
            "+1",
            "0x0",
            "1 ",
            "4294967295",
            "4294967296",
        ] {
            assert_eq!(uid(text), Err(Fault::Uid), "{text}");
        }
    }

    #[test]
    fn an_empty_alpn_is_none() {
        assert_eq!(alpn(""), Ok(None));
        assert_eq!(alpn("x-amzn-http-ca"), Ok(Some("x-amzn-http-ca".into())));
        assert_eq!(alpn("a b"), Err(Fault::Alpn));
        assert_eq!(alpn(&"a".repeat(256)), Err(Fault::Alpn));
    }
}
