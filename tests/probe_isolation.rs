//! `egret probe --isolation`: one identity, none and another in every order, and whether the server
//! takes one for another.

mod probed;
mod support;

use std::sync::Mutex;

use probed::{field, parsed, probe};
use support::egret::{Builder, Finished};
use support::json::Value;
use support::upstream::{Reply, Resumption, Seen, Upstream, Versions};
use support::world::World;

/// `--isolation` of that upstream as `a` and `b`.
fn isolation(world: &World, upstream: &Upstream) -> Builder {
    probe()
        .arg("--isolation")
        .arg(&format!("{},identity=a", upstream.url()))
        .ca(&world.ca)
        .identity(&world.device("a"))
        .identity(&world.device("b"))
}

fn report(finished: &Finished) -> Value {
    let json = parsed(finished);
    let [report] = json.get("isolation").expect("isolation").elements() else {
        panic!("{json}")
    };
    report.clone()
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).expect(name).elements().to_vec()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let list = list(value, name);
    list.iter().filter_map(Value::text).collect()
}

#[test]
fn every_order_is_tried_with_both_versions_and_each_is_answered_as_itself() {
    let world = World::new();
    for resumption in [Resumption::Tickets, Resumption::SessionIds] {
        let upstream = world.upstream().resumption(resumption).start();
        let finished = isolation(&world, &upstream).arg("--json").run();
        let report = report(&finished);
        assert_eq!(finished.code(), Some(0), "{report}");
        assert_eq!(field(&report, "good").as_deref(), Some("true"));
        assert_eq!(field(&report, "problem"), None);
        assert_eq!(texts(&report, "identities"), ["a", "none", "b"]);
        for (trial, tls) in list(&report, "trials").iter().zip(["1.2", "1.3"]) {
            assert_eq!(field(trial, "tls").as_deref(), Some(tls));
            assert_eq!(field(trial, "left_out"), None);
            let visits = list(trial, "visits");
            let mut orders: Vec<_> = visits.iter().map(|visit| texts(visit, "order")).collect();
            orders.dedup();
            assert_eq!(orders.len(), 6, "{orders:?}");
            assert_eq!(visits.len(), 6 * 2 * 3);
            for visit in &visits {
                let who = field(visit, "identity").expect("who");
                let shown: Vec<_> = match who.as_str() {
                    "none" => Vec::new(),
                    who => vec![who.to_owned()],
                };
                assert_eq!(texts(visit, "shown_as"), shown, "{visit}");
                assert_eq!(field(visit, "status").as_deref(), Some("200"));
                // The second time with a session of its own.
                assert_eq!(field(visit, "resumed"), field(visit, "again"), "{visit}");
            }
        }
        // What the server saw is what is told: a third each as a, as b and as nobody.
        let seen = upstream.seen();
        for subject in [Some("CN=a"), Some("CN=b"), None] {
            let as_it = |seen: &&Seen| seen.client_subject.as_deref() == subject;
            assert_eq!(seen.iter().filter(as_it).count(), seen.len() / 3);
        }
        assert_eq!(seen.len(), 2 * 6 * 2 * 3);
    }
}

#[test]
fn the_table_is_for_people() {
    let world = World::new();
    let upstream = world.upstream().versions(Versions::Only13).start();
    let finished = isolation(&world, &upstream).run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stdout);
    let told = &finished.stdout;
    for line in [
        format!("{} as a, none, b, in every order", upstream.url()),
        "  TLS 1.2        not spoken by the server".to_owned(),
        "  TLS 1.3        a 200 as a; none 200; b 200 as b".to_owned(),
        "                 again, resumed: a 200 as a; none 200; b 200 as b".to_owned(),
        "                 b 200 as b; none 200; a 200 as a".to_owned(),
        "  good           the server keeps them apart: each is answered alike in every order"
            .to_owned(),
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\nin\n{told}");
    }
    let widest = told.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{told}");
}

/// The one thing that is wrong.
fn confusion(probe: Builder) -> String {
    let finished = probe.arg("--json").run();
    assert_eq!(finished.code(), Some(1), "{}", finished.stdout);
    let report = report(&finished);
    assert_eq!(field(&report, "good").as_deref(), Some("false"));
    field(&report, "problem").expect("a problem")
}

const REMEDY: &str = "turn its session cache and session tickets off, and look for a proxy before it \
     that shares connections";

#[test]
fn a_server_that_takes_everybody_for_whom_it_saw_first_is_told() {
    let world = World::new();
    let first = Mutex::new(None);
    let upstream = world.upstream().handler(move |seen| {
        let mut first = first.lock().expect("nobody panics");
        let subject = first.get_or_insert_with(|| seen.client_subject.clone());
        let subject = subject.clone().unwrap_or_default();
        Reply::status(200).body(format!("you are {subject}\n"))
    });
    let upstream = upstream.start();
    assert_eq!(
        confusion(isolation(&world, &upstream)),
        format!(
            "the server confuses identities: with TLS 1.2 it took none for a (in the order a, none, \
             b); {REMEDY}"
        )
    );
}

#[test]
fn a_server_that_takes_one_for_its_predecessor_on_resumption_alone_is_told() {
    let world = World::new();
    let before = Mutex::new(None);
    let upstream = world.upstream().versions(Versions::Only13);
    let upstream = upstream.handler(move |seen| {
        let mut before = before.lock().expect("nobody panics");
        let subject = match (seen.resumed, &*before) {
            (true, Some(before)) => String::clone(before),
            _ => seen.client_subject.clone().unwrap_or_default(),
        };
        *before = seen.client_subject.clone();
        Reply::status(200).body(format!("subject: {}\n", subject.replace('=', " = ")))
    });
    let upstream = upstream.start();
    assert_eq!(
        confusion(isolation(&world, &upstream)),
        format!(
            "the server confuses identities: with TLS 1.3 it took a for b (in the order a, none, b, \
             session resumed); {REMEDY}"
        )
    );
}

#[test]
fn a_server_whose_answer_depends_on_the_order_is_told_though_it_shows_nobody() {
    let world = World::new();
    let last = Mutex::new(None);
    let upstream = world.upstream().handler(move |seen| {
        let mut last = last.lock().expect("nobody panics");
        let before = last.replace(seen.client_subject.clone());
        let after_a = before.flatten().as_deref() == Some("CN=a");
        match seen.client_subject {
            None if !after_a => Reply::status(403),
            _ => Reply::status(204),
        }
    });
    let upstream = upstream.start();
    assert_eq!(
        confusion(isolation(&world, &upstream)),
        format!(
            "the server does not answer none alike: with TLS 1.2 it got 204 (in the order a, none, \
             b) and 403 (in the order a, b, none); {REMEDY}"
        )
    );
}

#[test]
fn who_is_refused_everywhere_is_kept_apart() {
    let world = World::new();
    let upstream = world.upstream().requires(&world.devices).start();
    let finished = isolation(&world, &upstream).arg("--json").run();
    let report = report(&finished);
    assert_eq!(finished.code(), Some(0), "{report}");
    for trial in list(&report, "trials") {
        for visit in list(&trial, "visits") {
            let failure = field(&visit, "failure");
            match field(&visit, "identity").as_deref() {
                Some("none") => assert_eq!(failure.as_deref(), Some("certificate_missing")),
                _ => assert_eq!(failure, None),
            }
        }
    }
}

#[test]
fn one_certificate_is_compared_with_none() {
    let world = World::new();
    let upstream = world.upstream().start();
    let finished = probe()
        .arg("--isolation")
        .arg("--json")
        .ca(&world.ca)
        .identity(&world.device("a"))
        .identity(&world.device("b"))
        .route(&format!("to={},identity=a", upstream.url()))
        .route(&format!("to={},identity=none", upstream.url()))
        .run();
    let report = report(&finished);
    assert_eq!(finished.code(), Some(0), "{report}");
    assert_eq!(texts(&report, "identities"), ["a", "none"]);
    assert_eq!(upstream.seen().len(), 2 * 2 * 2 * 2);
    let b = |seen: &Seen| seen.client_subject.as_deref() == Some("CN=b");
    assert!(!upstream.seen().iter().any(b), "no route sends b there");
}

#[test]
fn a_version_that_an_identity_does_not_allow_is_left_out() {
    let world = World::new();
    let upstream = world.upstream().start();
    let finished = probe()
        .arg("--isolation")
        .arg(&upstream.url())
        .ca(&world.ca)
        .identity(&format!("{},tls=1.3", world.device("a")))
        .run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stdout);
    let line = "  TLS 1.2        not tried, tls=1.3 of identity \"a\" rules it out";
    let told = &finished.stdout;
    assert!(told.lines().any(|told| told == line), "{told}");
}

#[test]
fn a_server_that_is_not_there_is_asked_once_for_each_version() {
    let world = World::new();
    let mut upstream = world.upstream().start();
    upstream.stop();
    let said = confusion(isolation(&world, &upstream));
    let start = "nothing can be said, no version of TLS brought an answer (no connection: ";
    assert!(said.starts_with(start), "{said}");
    let end = "; probe without --isolation for what is wrong";
    assert!(said.ends_with(end), "{said}");
}

#[test]
fn an_identity_whose_files_are_bad_is_told_by_name() {
    let world = World::new();
    let upstream = world.upstream().start();
    let finished = probe()
        .arg("--isolation")
        .arg(&format!("{},identity=a", upstream.url()))
        .ca(&world.ca)
        .identity(&world.device("a"))
        .identity("b,cert=/nowhere")
        .run();
    assert_eq!(finished.code(), Some(3));
    let start = "egret: --identity \"b,cert=/nowhere\": ";
    assert!(finished.stderr.starts_with(start), "{}", finished.stderr);
    assert!(upstream.seen().is_empty());
}

#[test]
fn where_everybody_gets_the_same_nothing_is_said_to_be_good() {
    let world = World::new();
    let upstream = world.upstream();
    let upstream = upstream
        .handler(|_| Reply::status(200).body("hello"))
        .start();
    let problem = confusion(isolation(&world, &upstream));
    assert_eq!(
        problem,
        "nothing can be said, everybody gets the same answer and none shows whose certificate the \
         server saw; name a URL whose answer does"
    );
}

#[test]
fn a_subject_is_found_before_other_words_of_a_body() {
    let world = World::new();
    let upstream = world.upstream().handler(|seen| {
        let subject = seen.client_subject.as_deref().unwrap_or("nobody");
        Reply::status(200).body(format!("{subject} {} 1\n", seen.connection))
    });
    let upstream = upstream.start();
    let finished = isolation(&world, &upstream).run();
    assert_eq!(finished.code(), Some(0), "{}", finished.stdout);
    assert!(finished.stdout.contains("a 200 as a; none 200; b 200 as b"));
}
