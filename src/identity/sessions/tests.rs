use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::ring;

use super::*;
use crate::config::Host;
use crate::identity::pem::Crls;

const SECOND: Duration = Duration::from_secs(1);

/// What the wall clock shows at the first handshake of each test, in unix seconds.
pub(super) const NOW: i64 = 1_800_000_000;

/// Sessions of an epoch, and an upstream.
pub(super) struct Site {
    pub(super) sessions: Sessions,
    pub(super) upstream: Upstream,
    pub(super) start: Instant,
    /// Of our certificate.
    ours: Validity,
}

impl Site {
    fn new() -> Self {
        Self::with_capacity(4)
    }

    pub(super) fn with_capacity(capacity: usize) -> Self {
        let provider = Arc::new(ring::default_provider());
        let key = KeyPair::generate().unwrap();
        let root = CertificateParams::default().self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let trusted = Arc::new(roots.clone());
        let trust = Trust::in_roots(trusted, Crls::default(), Vec::new(), &provider).unwrap();
        let base = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = Host::Name("iot.example".to_owned());
        Self {
            sessions: Sessions::new(base, trust, capacity),
            upstream: Upstream {
                verify: host.clone(),
                host,
                port: 443,
                sni: None,
            },
            start: Instant::now(),
            ours: Validity::ALWAYS,
        }
    }

    /// The slot after so much time, in which the wall clock came to show `wall`.
    pub(super) fn slot(&self, after: Duration, wall: i64) -> Rc<Slot> {
        let wall = Duration::from_secs(wall.unsigned_abs());
        self.sessions.slot(&self.upstream, self.start + after, wall)
    }

    /// Shakes hands in full with a server whose certificate is `valid`.
    fn full_handshake(&self, slot: &Slot, valid: Validity) -> Facts {
        self.handshake(slot, valid, false)
    }

    fn handshake(&self, slot: &Slot, valid: Validity, resumed: bool) -> Facts {
        let mut facts = Facts {
            valid,
            resumed,
            ..Facts::default()
        };
        slot.remember(&mut facts, self.ours, self.start);
        facts
    }

    /// Whether sessions are still resumed then that were made at the start.
    fn resumes(&self, slot: &Rc<Slot>, after: Duration, wall: i64) -> bool {
        Rc::ptr_eq(slot, &self.slot(after, wall))
    }
}

/// A certificate that ends so many seconds from [`NOW`].
fn ends_in(seconds: i64) -> Validity {
    Validity::new(NOW - 1_000, NOW + seconds)
}

#[test]
fn sessions_are_resumed_for_an_hour_and_no_longer() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, Validity::ALWAYS);
    assert!(site.resumes(&slot, SESSION_LIFE - SECOND, NOW));
    assert!(!site.resumes(&slot, SESSION_LIFE, NOW));
}

#[test]
fn the_hour_begins_with_the_first_full_handshake_and_no_other_prolongs_it() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, Validity::ALWAYS);
    let half = SESSION_LIFE / 2;
    for resumed in [true, false] {
        let mut facts = Facts {
            resumed,
            ..Facts::default()
        };
        slot.remember(&mut facts, Validity::ALWAYS, site.start + half);
    }
    assert!(site.resumes(&slot, SESSION_LIFE - SECOND, NOW));
    assert!(!site.resumes(&slot, SESSION_LIFE, NOW));
}

#[test]
fn a_session_that_nobody_made_has_no_end() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    assert!(site.resumes(&slot, 10 * SESSION_LIFE, NOW + 1_000_000));
}

#[test]
fn the_hour_is_no_matter_of_the_wall_clock() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, ends_in(1_000_000));
    for wall in [NOW + 999_999, NOW - 1_000, NOW] {
        assert!(site.resumes(&slot, SECOND, wall), "{wall}");
    }
}

#[test]
fn sessions_end_with_the_certificate_of_the_server() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    let facts = site.full_handshake(&slot, ends_in(10));
    assert_eq!(facts.valid, ends_in(10));
    assert!(site.resumes(&slot, 9 * SECOND, NOW + 9));
    assert!(!site.resumes(&slot, 10 * SECOND, NOW + 10));
}

#[test]
fn sessions_end_with_our_certificate() {
    let mut site = Site::new();
    site.ours = Validity::until(NOW + 5);
    let slot = site.slot(Duration::ZERO, NOW);
    let facts = site.full_handshake(&slot, ends_in(10));
    assert_eq!(facts.valid, ends_in(5));
    assert!(site.resumes(&slot, 4 * SECOND, NOW + 4));
    assert!(!site.resumes(&slot, 5 * SECOND, NOW + 5));
}

#[test]
fn whether_our_certificate_is_valid_yet_is_no_matter_of_ours() {
    let mut site = Site::new();
    site.ours = Validity::until(NOW + 100);
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, Validity::new(0, NOW + 100));
    assert!(site.resumes(&slot, SECOND, NOW - 1_000_000));
}

#[test]
fn a_clock_that_jumps_past_the_end_ends_sessions_at_once() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, ends_in(10));
    assert!(!site.resumes(&slot, SECOND, NOW + 365 * 24 * 3600));
}

#[test]
fn a_session_that_ended_stays_so_when_the_clock_jumps_back() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, ends_in(10));
    assert!(!site.resumes(&slot, SECOND, NOW + 11));
    assert!(!site.resumes(&slot, 2 * SECOND, NOW));
}

#[test]
fn a_clock_set_back_to_before_the_servers_certificate_began_ends_sessions_at_once() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, ends_in(10));
    assert!(site.resumes(&slot, SECOND, NOW - 1_000));
    assert!(!site.resumes(&slot, SECOND, NOW - 1_001));
}

#[test]
fn what_resumes_is_valid_as_long_as_what_it_resumes() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, ends_in(10));
    // A resumed handshake verifies nothing.
    let facts = site.handshake(&slot, Validity::ALWAYS, true);
    assert_eq!(facts.valid, ends_in(10));
}

#[test]
fn of_several_certificates_of_one_server_the_one_that_ends_first_counts() {
    for (first, second) in [(10, 20), (20, 10)] {
        let site = Site::new();
        let slot = site.slot(Duration::ZERO, NOW);
        site.full_handshake(&slot, ends_in(first));
        site.full_handshake(&slot, ends_in(second));
        assert!(site.resumes(&slot, SECOND, NOW + 9), "{first} {second}");
        assert!(!site.resumes(&slot, SECOND, NOW + 10), "{first} {second}");
    }
}

#[test]
fn a_slot_that_ended_is_forgotten_and_its_store_keeps_nothing() {
    let site = Site::new();
    let slot = site.slot(Duration::ZERO, NOW);
    site.full_handshake(&slot, ends_in(10));
    let store = slot.store.clone().expect("sessions are kept");
    drop(slot);
    assert!(!store.stored().closed);
    let next = site.slot(SECOND, NOW + 10);
    assert!(store.stored().closed);
    assert!(next.life.get().is_none());
    assert_eq!(site.sessions.len(), 1);
}

#[test]
fn without_places_no_two_handshakes_have_a_slot_in_common() {
    let site = Site::with_capacity(0);
    let slot = site.slot(Duration::ZERO, NOW);
    let facts = site.full_handshake(&slot, ends_in(10));
    assert_eq!(facts.valid, ends_in(10));
    assert!(!site.resumes(&slot, Duration::ZERO, NOW));
}
