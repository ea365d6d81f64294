//! What a route or forward rule did, and what was seen there last.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::SystemTime;

use crate::limits::FAILURE_TEXT_MAX;
use crate::metrics::RouteCounters;
use crate::upstream::Upstream;
use crate::upstream::connect::Facts;

/// What one route or forward rule did; and, once, all requests that reached none.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often.
    pub counters: RouteCounters,
    handshake: RefCell<Option<Handshake>>,
    failure: RefCell<Option<Failed>>,
}

/// A handshake that succeeded.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// When its connection was first used.
    pub at: SystemTime,
    /// With whom.
    pub upstream: Rc<Upstream>,
    /// What was learnt.
    pub facts: Rc<Facts>,
}

/// Something that failed, for people.
#[derive(Debug, Clone)]
pub struct Failed {
    /// When.
    pub at: SystemTime,
    /// What the log says of it, at most [`FAILURE_TEXT_MAX`] bytes.
    pub text: String,
}

impl Failed {
    /// A failure of which this is said, as far as there is room for it.
    pub fn new(at: SystemTime, mut text: String) -> Self {
        if text.len() > FAILURE_TEXT_MAX {
            let ends = |at: &usize| text.is_char_boundary(*at);
            text.truncate((0..=FAILURE_TEXT_MAX).rev().find(ends).unwrap_or(0));
        }
        text.shrink_to_fit();
        Self { at, text }
    }
}

impl Tally {
    /// A connection was made.
    pub(super) fn connected(&self, handshake: Handshake) {
        self.handshake.replace(Some(handshake));
    }

    /// A request failed that the client is not to blame for.
    pub(super) fn failed(&self, failure: Failed) {
        self.failure.replace(Some(failure));
    }

    /// The last handshake that succeeded.
    pub fn last_handshake(&self) -> Option<Handshake> {
        self.handshake.borrow().clone()
    }

    /// The last failure that the client was not to blame for.
    pub fn last_failure(&self) -> Option<Failed> {
        self.failure.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_failure_is_cut_off_between_two_characters() {
        let failed = |text: &str| Failed::new(SystemTime::UNIX_EPOCH, text.to_owned()).text;
        let most = "x".repeat(FAILURE_TEXT_MAX);
        assert_eq!(failed(&most), most);
        assert_eq!(failed(&format!("{most}y")), most);
        let odd = format!("{}\u{fc}", "x".repeat(FAILURE_TEXT_MAX - 1));
        assert_eq!(failed(&odd).len(), FAILURE_TEXT_MAX - 1);
    }
}
