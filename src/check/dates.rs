//! Whether our own certificate is valid, and for how long still; whether revocation lists are.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::identity::clock::unix_seconds;
use crate::identity::pem::Crls;
use crate::identity::x509::{self, CrlSummary, Summary};
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
        /// How many of the notices are due that are given before the end.
        notices: usize,
    },
    /// It has ended.
    Expired {
        /// Unix seconds.
        not_after: i64,
        /// Unix seconds.
        now: i64,
    },
}

/// How far a certificate is on its way to its end: what is to be said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before its first day.
    NotYet,
    /// So many notices are due.
    Notices(usize),
    /// After its last day.
    Expired,
}

impl DateWarning {
    /// Its stage: within one, there is nothing new to say.
    pub fn stage(&self) -> Stage {
        match self {
            Self::NotYet { .. } => Stage::NotYet,
            Self::Ends { notices, .. } => Stage::Notices(*notices),
            Self::Expired { .. } => Stage::Expired,
        }
    }

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
            Self::Ends { not_after, now, .. } => ("expires on", not_after, now, RENEW),
            Self::Expired { not_after, now } => ("expired on", not_after, now, RENEW),
        };
        let distance = x509::relative(date, now);
        let (date, clock) = (x509::utc(date), x509::utc(now));
        write!(
            f,
            "its certificate {what} {date}, {distance} by our clock ({clock}); {remedy}"
        )
    }
}

const RENEW: &str = "have a new one issued";

/// What is to be said of our certificate's dates; nothing while the clock is not set, since
/// nothing is known then.
pub fn date_warning(certificate: &Summary, now: Option<SystemTime>) -> Option<DateWarning> {
    let now = unix_seconds(now?);
    let &Summary {
        not_before,
        not_after,
        ..
    } = certificate;
    let notices = notices(
        not_after.saturating_sub(not_before),
        not_after.saturating_sub(now),
    );
    if now < not_before {
        Some(DateWarning::NotYet { not_before, now })
    } else if now > not_after {
        Some(DateWarning::Expired { not_after, now })
    } else if notices > 0 {
        Some(DateWarning::Ends {
            not_after,
            now,
            notices,
        })
    } else {
        None
    }
}

/// How long before its end a certificate is warned of; each is said once.
const NOTICES: [Duration; 3] = [
    limits::EXPIRY_NOTICE,
    limits::EXPIRY_REMINDER,
    limits::EXPIRY_LAST_CALL,
];

/// How many notices are due of a certificate that lives for so long, `left` before its end, in
/// seconds.
fn notices(life: i64, left: i64) -> usize {
    let due = |notice: &&Duration| left <= (life / 3).min(notice.as_secs() as i64);
    NOTICES.iter().filter(due).count()
}

/// A revocation list that holds no more. Displays as one line: cause and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlWarning {
    issuer: String,
    next_update: i64,
    now: i64,
}

impl fmt::Display for CrlWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = x509::utc(self.next_update);
        let distance = x509::relative(self.next_update, self.now);
        let clock = x509::utc(self.now);
        write!(
            f,
            "the revocation list of {:?} expired on {date}, {distance} by our clock ({clock}); \
             put that CA's new one in its file",
            self.issuer
        )
    }
}

/// The lists that hold no more, in the order in which they ended; none while the clock is not set,
/// since nothing is known then.
pub fn crl_warnings(crls: &Crls, now: Option<SystemTime>) -> Vec<CrlWarning> {
    let lists = crls.iter().map(|crl| &crl.summary);
    now.map_or_else(Vec::new, |now| ended(lists, unix_seconds(now)))
}

fn ended<'a>(lists: impl Iterator<Item = &'a CrlSummary>, now: i64) -> Vec<CrlWarning> {
    let expired = |next_update: &i64| now >= *next_update;
    let warning = |crl: &CrlSummary| {
        let next_update = crl.next_update.filter(expired)?;
        Some(CrlWarning {
            issuer: crl.issuer.clone(),
            next_update,
            now,
        })
    };
    let mut warnings: Vec<_> = lists.filter_map(warning).collect();
    // Those that were told of once are the first ones ever after.
    warnings.sort_by_key(|warning| warning.next_update);
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const DAY: i64 = 24 * 60 * 60;
    const START: i64 = 1_700_000_000;

    /// What is said on the n-th day of a certificate that is valid for so many days.
    fn on_day(day: i64, days: i64) -> Option<String> {
        warning(day * DAY, days * DAY).map(|warning| warning.to_string())
    }

    /// The warning that is due so many seconds into a certificate's life.
    fn warning(age: i64, life: i64) -> Option<DateWarning> {
        let certificate = Summary {
            subject: String::new(),
            issuer: String::new(),
            sans: Vec::new(),
            not_before: START,
            not_after: START + life,
            key: String::new(),
            version: 3,
            is_ca: false,
            self_issued: false,
        };
        let now = UNIX_EPOCH + Duration::from_secs((START + age) as u64);
        date_warning(&certificate, Some(now))
    }

    #[test]
    fn a_certificate_of_a_year_is_warned_of_thirty_days_before_its_end() {
        assert_eq!(on_day(334, 365), None);
        let said = on_day(335, 365).expect("a warning");
        assert_eq!(
            said,
            "its certificate expires on 2024-11-13T22:13:20Z, in 30 days by our clock \
             (2024-10-14T22:13:20Z); have a new one issued"
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
        assert!(early.contains("is not valid before 2023-11-14T22:13:20Z, in 2 days by our clock (2023-11-12T22:13:20Z);"));
        let late = on_day(370, 365).expect("a warning");
        assert!(late.contains(
            "expired on 2024-11-13T22:13:20Z, 5 days ago by our clock (2024-11-18T22:13:20Z);"
        ));
    }

    #[test]
    fn only_a_certificate_out_of_its_time_is_invalid() {
        let is_invalid = |age| warning(age, DAY).expect("a warning").is_invalid();
        assert!(is_invalid(-1));
        assert!(!is_invalid(DAY));
        assert!(is_invalid(DAY + 1));
    }

    /// The days of a certificate's life on which there is something new to say.
    fn days_with_news(days: i64) -> Vec<i64> {
        let stage = |day: i64| warning(day * DAY, days * DAY).map(|warning| warning.stage());
        let is_news = |day: &i64| stage(*day) != stage(day - 1) && stage(*day).is_some();
        (0..days + 5).filter(is_news).collect()
    }

    #[test]
    fn each_notice_is_news_once_and_so_is_the_end() {
        assert_eq!(days_with_news(365), [335, 358, 364, 366]);
        assert_eq!(days_with_news(60), [40, 53, 59, 61]);
        // The last third of its life is shorter than the earlier notices.
        assert_eq!(days_with_news(9), [6, 8, 10]);
        assert_eq!(days_with_news(2), [2, 3]);
    }

    #[test]
    fn a_list_that_ends_comes_behind_those_that_ended_before() {
        let list = |issuer: &str, next_update| CrlSummary {
            issuer: issuer.to_owned(),
            version: 2,
            this_update: START,
            next_update,
        };
        let lists = [
            list("CN=late", Some(START + 3 * DAY)),
            list("CN=never", None),
            list("CN=early", Some(START + DAY)),
            list("CN=middle", Some(START + 2 * DAY)),
        ];
        let on_day = |day: i64| -> Vec<_> {
            let ended = ended(lists.iter(), START + day * DAY).into_iter();
            ended.map(|warning| warning.issuer).collect()
        };
        assert!(on_day(0).is_empty());
        assert_eq!(on_day(1), ["CN=early"]);
        assert_eq!(on_day(2), ["CN=early", "CN=middle"]);
        assert_eq!(on_day(3), ["CN=early", "CN=middle", "CN=late"]);
    }
}
