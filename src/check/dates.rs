//! Whether our own certificate is valid, and for how long still.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::identity::x509::{self, Summary};
use crate::limits;

/// What is to be said of our certificate's dates. Displays as one line: cause and remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateWarning {
    /// Its first day is still to come.
    NotYet {
        /// Unix seconds.
        not_before: i64,
        /// Unix seconds.
        now: i64,
    },
    /// It ends soon.
    Ends {
        /// Unix seconds.
        not_after: i64,
        /// Unix seconds.
        now: i64,
    },
    /// It has ended.
    Expired {
        /// Unix seconds.
        not_after: i64,
        /// Unix seconds.
        now: i64,
    },
}

impl DateWarning {
    /// Whether servers will refuse the certificate now.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::NotYet { .. } | Self::Expired { .. })
    }
}

impl fmt::Display for DateWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, date, now, remedy) = match *self {
            Self::NotYet { not_before, now } => (
                "is not valid before",
                not_before,
                now,
                "wait, or set the clock right",
            ),
            Self::Ends { not_after, now } => ("expires on", not_after, now, RENEW),
            Self::Expired { not_after, now } => ("expired on", not_after, now, RENEW),
        };
        let distance = x509::relative(date, now);
        let date = x509::utc(date);
        write!(f, "its certificate {what} {date}, {distance}; {remedy}")
    }
}

const RENEW: &str = "have a new one issued";

/// What is to be said of our certificate's dates; nothing while the clock is not set, since
/// nothing is known then.
pub fn date_warning(certificate: &Summary, now: Option<SystemTime>) -> Option<DateWarning> {
    let since = now?.duration_since(UNIX_EPOCH).ok()?;
    let now = i64::try_from(since.as_secs()).ok()?;
    let &Summary {
        not_before,
        not_after,
        ..
    } = certificate;
    let life = not_after.saturating_sub(not_before);
    let notice = (life / 3).min(limits::EXPIRY_NOTICE.as_secs() as i64);
    if now < not_before {
        Some(DateWarning::NotYet { not_before, now })
    } else if now > not_after {
        Some(DateWarning::Expired { not_after, now })
    } else if not_after.saturating_sub(now) <= notice {
        Some(DateWarning::Ends { not_after, now })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const DAY: i64 = 24 * 60 * 60;
    const START: i64 = 1_700_000_000;

    /// What is said on the n-th day of a certificate that is valid for so many days.
    fn on_day(day: i64, days: i64) -> Option<String> {
        let certificate = Summary {
            subject: String::new(),
            issuer: String::new(),
            sans: Vec::new(),
            not_before: START,
            not_after: START + days * DAY,
            key: String::new(),
            version: 3,
            is_ca: false,
            self_issued: false,
        };
        let now = UNIX_EPOCH + Duration::from_secs((START + day * DAY) as u64);
        date_warning(&certificate, Some(now)).map(|warning| warning.to_string())
    }

    #[test]
    fn a_certificate_of_a_year_is_warned_of_thirty_days_before_its_end() {
        assert_eq!(on_day(334, 365), None);
        let said = on_day(335, 365).expect("a warning");
        assert_eq!(
            said,
            "its certificate expires on 2024-11-13T22:13:20Z, in 30 days; have a new one issued"
        );
        assert!(on_day(364, 365).is_some_and(|said| said.contains("in 24 hours")));
    }

    #[test]
    fn a_certificate_of_a_short_life_is_warned_of_in_its_last_third() {
        assert_eq!(on_day(3, 6), None);
        assert!(on_day(4, 6).is_some_and(|said| said.contains("in 2 days")));
        assert_eq!(on_day(59, 90), None);
        assert!(on_day(60, 90).is_some());
    }

    #[test]
    fn a_certificate_out_of_its_time_says_since_when() {
        let early = on_day(-2, 365).expect("a warning");
        assert!(early.contains("is not valid before 2023-11-14T22:13:20Z, in 2 days;"));
        let late = on_day(370, 365).expect("a warning");
        assert!(late.contains("expired on 2024-11-13T22:13:20Z, 5 days ago;"));
    }

    #[test]
    fn only_a_certificate_out_of_its_time_is_invalid() {
        let (not_before, not_after, now) = (0, 0, 0);
        assert!(DateWarning::NotYet { not_before, now }.is_invalid());
        assert!(DateWarning::Expired { not_after, now }.is_invalid());
        assert!(!DateWarning::Ends { not_after, now }.is_invalid());
    }
}
