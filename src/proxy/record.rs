//! What became of one request: told once, when its answer is through or nobody is left to answer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Client, Failed, Handshake, RequestLine, Tally};
use crate::config::Peer;
use crate::error::Failure;
use crate::identity::{Identity, Lease};
use crate::limits::{ACCESS_TARGET_MAX, RECENT_ERRORS};
use crate::log::{AccessLog, Fields};
use crate::upstream::Upstream;
use crate::upstream::body::Upload;
use crate::upstream::connect::Facts;

/// Where requests are told of.
#[derive(Debug, Default)]
pub struct Ledger {
    /// `--access-log`.
    pub access: Option<AccessLog>,
    /// Requests that reached no route.
    pub unrouted: Rc<Tally>,
    recent: RefCell<VecDeque<Failed>>,
}

impl Ledger {
    /// A ledger that writes an access log, or none.
    pub fn new(access: Option<AccessLog>) -> Self {
        Self {
            access,
            ..Self::default()
        }
    }

    /// Remembers a failure in the place of the oldest.
    pub fn remember(&self, failed: Failed) {
        let mut recent = self.recent.borrow_mut();
        if recent.len() == RECENT_ERRORS {
            recent.pop_front();
        }
        recent.push_back(failed);
    }

    /// What failed lately, oldest first.
    pub fn recent(&self) -> Vec<Failed> {
        self.recent.borrow().iter().cloned().collect()
    }
}

/// One request, as far as it came.
#[derive(Debug)]
pub struct Record {
    ledger: Rc<Ledger>,
    tally: Rc<Tally>,
    began: Instant,
    listener: Rc<str>,
    client: Peer,
    /// What was asked for.
    pub(super) line: RequestLine,
    hop: Option<Passage>,
    upload: Option<Rc<Upload>>,
    first_byte: Option<Duration>,
    status: Option<u16>,
    cause: Option<&'static str>,
    received: u64,
    sent: u64,
}

/// Where a request went on.
#[derive(Debug)]
struct Passage {
    identity: Rc<Identity>,
    /// `None`: through a tunnel.
    upstream: Option<Rc<Upstream>>,
    taken: Option<Taken>,
}

/// The connection that a request went on.
#[derive(Debug)]
struct Taken {
    epoch: u32,
    facts: Rc<Facts>,
    reused: bool,
    waited: Duration,
}

impl Record {
    /// A request that began then.
    pub(super) fn new(
        ledger: &Rc<Ledger>,
        client: &Client,
        line: RequestLine,
        began: Instant,
    ) -> Self {
        Self {
            ledger: Rc::clone(ledger),
            tally: Rc::clone(&ledger.unrouted),
            began,
            listener: Rc::clone(&client.listener),
            client: client.peer,
            line,
            hop: None,
            upload: None,
            first_byte: None,
            status: None,
            cause: None,
            received: 0,
            sent: 0,
        }
    }

    /// It goes by a route or rule that keeps this tally, as `identity`; to no `upstream` if it is for
    /// a tunnel.
    pub(super) fn goes(
        &mut self,
        tally: &Rc<Tally>,
        identity: &Rc<Identity>,
        upstream: Option<&Rc<Upstream>>,
    ) {
        self.tally = Rc::clone(tally);
        self.hop = Some(Passage {
            identity: Rc::clone(identity),
            upstream: upstream.cloned(),
            taken: None,
        });
    }

    /// It has this body.
    pub(super) fn carries(&mut self, upload: Option<&Rc<Upload>>) {
        self.upload = upload.cloned();
    }

    /// It goes out on this connection; a later one takes its place.
    pub(super) fn takes(&mut self, lease: &Lease) {
        if let Some(hop) = &mut self.hop {
            if let (false, Some(upstream)) = (lease.reused, &hop.upstream) {
                self.tally.connected(Handshake {
                    at: SystemTime::now(),
                    upstream: Rc::clone(upstream),
                    facts: Rc::clone(lease.connection.facts()),
                });
            }
            hop.taken = Some(Taken {
                epoch: lease.epoch_number(),
                facts: Rc::clone(lease.connection.facts()),
                reused: lease.reused,
                waited: lease.waited,
            });
        }
    }

    /// The head of the response came, to a request that went out then.
    pub(super) fn responded(&mut self, began: Instant) {
        if self.ledger.access.is_some() {
            self.first_byte = Some(began.elapsed());
        }
    }

    /// This is the status of the answer.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// This is why it failed.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.cause = Some(failure.cause.label());
        if !failure.cause.is_clients() {
            let text = failure.to_string();
            self.tally.failed(Failed::new(SystemTime::now(), text));
        }
    }

    /// This is why its answer did not come to its end.
    pub(super) fn cut_off(&mut self, failure: &Failure) {
        self.failed(failure);
        let text = format!(
            "{} at {}, {} {}: cut off in the middle of an answer: {failure} ({})",
            self.client,
            self.listener,
            self.line.method(),
            self.line.path(),
            failure.cause.label(),
        );
        ::log::warn!("{text}");
        self.ledger.remember(Failed::new(SystemTime::now(), text));
    }

    /// So many bytes of a body, or of a tunnel, went to the client.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// So many bytes of a tunnel came from the client.
    pub(super) fn received(&mut self, bytes: u64) {
        self.received += bytes;
    }

    fn close(&mut self, now: Instant) {
        let total = now.duration_since(self.began);
        self.received += self.upload.as_ref().map_or(0, |upload| upload.taken());
        let counters = &self.tally.counters;
        match self.status {
            Some(status) => counters.answered(status),
            None => counters.gone.add_one(),
        }
        if let Some(cause) = self.cause {
            counters.failed(cause);
        }
        counters.received.add(self.received);
        counters.sent.add(self.sent);
        counters.requests.observe(total);
        if let Some(access) = &self.ledger.access {
            access.write(SystemTime::now(), &self.fields(total));
        }
    }

    fn fields(&self, total: Duration) -> Fields {
        let mut fields = Fields::default();
        let target = self.line.target();
        let target = target.get(..ACCESS_TARGET_MAX).unwrap_or(target);
        fields.add("listener", &self.listener);
        fields.add("client", self.client);
        fields.add("method", self.line.method());
        fields.add("target", target);
        fields.add_if("status", self.status);
        fields.add("in", self.received);
        fields.add("out", self.sent);
        let hop = self.hop.as_ref();
        let taken = hop.and_then(|hop| hop.taken.as_ref());
        // What a connection took that was there already is no part of this request.
        let made = taken.filter(|taken| !taken.reused);
        let took = made.map(|taken| taken.facts.took);
        fields.add_time("wait", taken.map(|taken| taken.waited));
        fields.add_time("resolve", took.and_then(|took| took.resolve));
        fields.add_time("connect", took.and_then(|took| took.dial));
        fields.add_time("tls", took.and_then(|took| took.handshake));
        fields.add_time("first_byte", self.first_byte);
        fields.add_time("total", Some(total));
        fields.add_if("identity", hop.map(|hop| &hop.identity.config.name));
        fields.add_if("epoch", taken.map(|taken| taken.epoch));
        let upstream = hop.and_then(|hop| hop.upstream.as_ref());
        fields.add_if("sni", upstream.and_then(|upstream| upstream.sent_name()));
        fields.add_if("tls_version", taken.and_then(|taken| taken.facts.version));
        fields.add_if("resumed", taken.map(|taken| yes(taken.facts.resumed)));
        fields.add_if("reused", taken.map(|taken| yes(taken.reused)));
        let gone = self.status.is_none().then_some("client_gone");
        fields.add_if("cause", self.cause.or(gone));
        fields
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.close(Instant::now());
    }
}

fn yes(yes: bool) -> &'static str {
    match yes {
        true => "yes",
        false => "no",
    }
}
