//! The resolver over a fake that hangs, fails and counts.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_local, yield_now};

use super::*;
use crate::testing::{Random, seed};

const LONG: Duration = Duration::from_secs(3600);
const PROMPT: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Fake {
    script: Mutex<Script>,
    changed: Condvar,
}

#[derive(Default)]
struct Script {
    hanging: HashSet<String>,
    failing: Option<&'static str>,
    lookups: HashMap<String, usize>,
    running: usize,
    most_running: usize,
}

impl Fake {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panics with it")
    }

    fn hang(&self, name: &str) {
        self.script().hanging.insert(name.to_owned());
    }

    fn release(&self, name: &str) {
        self.script().hanging.remove(name);
        self.changed.notify_all();
    }

    fn lookups(&self, name: &str) -> usize {
        self.script().lookups.get(name).copied().unwrap_or(0)
    }

    /// Waits until `name` was looked up `count` times.
    async fn asked(&self, name: &str, count: usize) {
        until(|| self.lookups(name) >= count).await;
    }
}

impl Lookup for Fake {
    fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let mut script = self.script();
        *script.lookups.entry(name.to_owned()).or_default() += 1;
        script.running += 1;
        script.most_running = script.most_running.max(script.running);
        let hangs = |script: &mut Script| script.hanging.contains(name);
        let mut script = self.changed.wait_while(script, hangs).expect("no panic");
        script.running -= 1;
        match script.failing {
            Some(reason) => Err(reason.to_owned()),
            None => Ok(vec![address_of(name)]),
        }
    }
}

fn address_of(name: &str) -> IpAddr {
    let sum: usize = name.bytes().map(usize::from).sum();
    IpAddr::V4(Ipv4Addr::new(10, 0, (sum / 256) as u8, sum as u8))
}

fn answer_for(name: &str) -> Result<Addresses, DnsError> {
    Ok(Addresses::from(address_of(name)))
}

fn resolver(fake: &Arc<Fake>, fresh: Duration, patience: Duration) -> Resolver {
    let periods = Periods {
        fresh,
        stale: LONG,
        patience,
    };
    Resolver::with_periods(fake.clone(), periods)
}

fn ask(resolver: &Resolver, name: &str) -> JoinHandle<Result<Addresses, DnsError>> {
    let (resolver, name) = (resolver.clone(), name.to_owned());
    spawn_local(async move { resolver.resolve(&name).await })
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            yield_now().await;
        }
    };
    let held = tokio::time::timeout(PROMPT, waiting).await;
    held.expect("the condition comes true");
}

async fn promptly<T>(task: JoinHandle<T>) -> T {
    let ended = tokio::time::timeout(PROMPT, task).await;
    ended.expect("does not hang").expect("does not panic")
}

/// Hangs as many names as there are threads.
async fn hang_all_threads(fake: &Fake, resolver: &Resolver) {
    for number in 0..limits::DNS_THREADS {
        let name = format!("hangs{number}.example");
        fake.hang(&name);
        ask(resolver, &name);
        fake.asked(&name, 1).await;
    }
}

fn release_all(fake: &Fake) {
    fake.script().hanging.clear();
    fake.changed.notify_all();
}

#[tokio::test(flavor = "local")]
async fn one_hanging_name_delays_no_other() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, LONG, LONG);
    fake.hang("hangs.example");
    let hanging = ask(&resolver, "hangs.example");
    fake.asked("hangs.example", 1).await;
    for number in 0..50 {
        let name = format!("works{number}.example");
        assert_eq!(promptly(ask(&resolver, &name)).await, answer_for(&name));
    }
    assert!(!hanging.is_finished());
    fake.release("hangs.example");
    assert_eq!(promptly(hanging).await, answer_for("hangs.example"));
}

#[tokio::test(flavor = "local")]
async fn when_every_thread_hangs_a_new_name_waits_and_known_ones_go_on() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, LONG, LONG);
    promptly(ask(&resolver, "known.example"))
        .await
        .expect("known");
    hang_all_threads(&fake, &resolver).await;

    let waiting = ask(&resolver, "new.example");
    until(|| resolver.usage().queued == 1).await;
    let known = promptly(ask(&resolver, "known.example")).await;
    assert_eq!(known, answer_for("known.example"));
    assert!(!waiting.is_finished());
    assert_eq!(fake.lookups("new.example"), 0);

    fake.release("hangs0.example");
    assert_eq!(promptly(waiting).await, answer_for("new.example"));
    release_all(&fake);
}

#[tokio::test(flavor = "local")]
async fn all_who_ask_for_a_name_share_one_lookup() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, LONG, LONG);
    fake.hang("a.example");
    let askers: Vec<_> = (0..100).map(|_| ask(&resolver, "a.example")).collect();
    fake.asked("a.example", 1).await;
    fake.release("a.example");
    for asker in askers {
        assert_eq!(promptly(asker).await, answer_for("a.example"));
    }
    assert_eq!(fake.lookups("a.example"), 1);
}

#[tokio::test(flavor = "local")]
async fn a_fresh_answer_is_used_without_asking_again() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, LONG, LONG);
    for _ in 0..3 {
        let answer = promptly(ask(&resolver, "a.example")).await;
        assert_eq!(answer, answer_for("a.example"));
    }
    assert_eq!(fake.lookups("a.example"), 1);
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_is_not_fresh_is_asked_for_again() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, LONG);
    for count in 1..=3 {
        promptly(ask(&resolver, "a.example")).await.expect("answer");
        assert_eq!(fake.lookups("a.example"), count);
    }
}

#[tokio::test(flavor = "local")]
async fn the_last_good_answer_stands_in_when_dns_fails() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, LONG);
    promptly(ask(&resolver, "a.example")).await.expect("answer");

    fake.script().failing = Some("Temporary failure in name resolution");
    for count in 1..=3 {
        let answer = promptly(ask(&resolver, "a.example")).await;
        assert_eq!(answer, answer_for("a.example"));
        assert_eq!(resolver.counters().stale.get(), count);
    }
    assert_eq!(resolver.counters().failures.get(), 3);
    let unknown = promptly(ask(&resolver, "b.example")).await;
    let reason = "Temporary failure in name resolution".to_owned();
    assert_eq!(unknown, Err(DnsError::Failed(reason)));

    fake.script().failing = None;
    promptly(ask(&resolver, "a.example")).await.expect("answer");
    assert_eq!(resolver.counters().stale.get(), 3);
}

#[tokio::test(flavor = "local")]
async fn a_name_of_the_options_keeps_its_answer_however_many_others_are_asked_for() {
    let fake = Arc::new(Fake::default());
    let kept = ["a.example".to_owned(), "b.example".to_owned()];
    let resolver = resolver(&fake, Duration::ZERO, LONG).keeping(kept);
    promptly(ask(&resolver, "a.example")).await.expect("answer");
    for number in 0..limits::DNS_NAMES * 2 {
        let name = format!("other{number}.example");
        assert_eq!(promptly(ask(&resolver, &name)).await, answer_for(&name));
    }
    assert_eq!(resolver.usage().names, limits::DNS_NAMES);
    fake.script().failing = Some("Temporary failure in name resolution");
    let answer = promptly(ask(&resolver, "a.example")).await;
    assert_eq!(answer, answer_for("a.example"));
    let other = promptly(ask(&resolver, "other0.example")).await;
    assert!(other.is_err(), "{other:?}");
}

#[tokio::test(flavor = "local")]
async fn names_that_find_no_place_are_answered_all_the_same() {
    let fake = Arc::new(Fake::default());
    let kept: Vec<_> = (0..limits::DNS_NAMES)
        .map(|n| format!("kept{n}.example"))
        .collect();
    let resolver = resolver(&fake, LONG, LONG).keeping(kept.clone());
    for name in &kept {
        assert_eq!(promptly(ask(&resolver, name)).await, answer_for(name));
    }
    for count in 1..=2 {
        let answer = promptly(ask(&resolver, "x.example")).await;
        assert_eq!(answer, answer_for("x.example"));
        assert_eq!(fake.lookups("x.example"), count);
    }
}

#[tokio::test(flavor = "local")]
async fn the_last_good_answer_stands_in_when_dns_does_not_answer_in_time() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, Duration::from_millis(20));
    promptly(ask(&resolver, "a.example")).await.expect("answer");
    fake.hang("a.example");
    for _ in 0..3 {
        let answer = promptly(ask(&resolver, "a.example")).await;
        assert_eq!(answer, answer_for("a.example"));
    }
    assert_eq!(fake.lookups("a.example"), 2);
    assert_eq!(resolver.counters().stale.get(), 3);
    fake.release("a.example");
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_is_too_old_does_not_stand_in() {
    let fake = Arc::new(Fake::default());
    let periods = Periods {
        fresh: Duration::ZERO,
        stale: Duration::ZERO,
        patience: LONG,
    };
    let resolver = Resolver::with_periods(fake.clone(), periods);
    promptly(ask(&resolver, "a.example")).await.expect("answer");
    fake.script().failing = Some("Try again");
    let answer = promptly(ask(&resolver, "a.example")).await;
    assert_eq!(answer, Err(DnsError::Failed("Try again".to_owned())));
}

#[tokio::test(flavor = "local")]
async fn a_name_that_no_longer_exists_loses_its_old_answer() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, LONG);
    promptly(ask(&resolver, "a.example")).await.expect("answer");
    fake.script().failing = Some("Name or service not known");
    let gone = promptly(ask(&resolver, "a.example")).await;
    assert!(matches!(gone, Err(DnsError::NoSuchName(_))), "{gone:?}");
    assert_eq!(resolver.usage().names, 0);
    assert_eq!(resolver.counters().failures.get(), 0);
}

#[tokio::test(flavor = "local")]
async fn a_full_queue_is_an_error_and_who_gave_up_makes_room() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, LONG);
    promptly(ask(&resolver, "known.example"))
        .await
        .expect("known");
    hang_all_threads(&fake, &resolver).await;
    let waiting: Vec<_> = (0..limits::DNS_QUEUE)
        .map(|number| ask(&resolver, &format!("waits{number}.example")))
        .collect();
    until(|| resolver.usage().queued == limits::DNS_QUEUE).await;

    let refused = promptly(ask(&resolver, "late.example")).await;
    assert_eq!(refused, Err(DnsError::QueueFull));
    assert_eq!(resolver.counters().queue_full.get(), 1);
    let known = promptly(ask(&resolver, "known.example")).await;
    assert_eq!(known, answer_for("known.example"));

    for asker in waiting {
        asker.abort();
        assert!(asker.await.is_err());
    }
    let late = ask(&resolver, "late.example");
    until(|| resolver.usage().queued == 1).await;
    release_all(&fake);
    assert_eq!(promptly(late).await, answer_for("late.example"));
}

#[tokio::test(flavor = "local")]
async fn names_that_nobody_waits_for_any_more_delay_no_other() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, LONG, LONG);
    hang_all_threads(&fake, &resolver).await;
    for number in 0..limits::DNS_QUEUE - 1 {
        let name = format!("given-up{number}.example");
        fake.hang(&name);
        let asker = ask(&resolver, &name);
        until(|| resolver.usage().queued == number + 1).await;
        asker.abort();
        assert!(asker.await.is_err());
    }
    let waiting = ask(&resolver, "waits.example");
    until(|| resolver.usage().queued == limits::DNS_QUEUE).await;
    fake.release("hangs0.example");
    assert_eq!(promptly(waiting).await, answer_for("waits.example"));
    assert_eq!(fake.lookups("given-up0.example"), 0);
    assert_eq!(resolver.usage().queued, 0);
    release_all(&fake);
}

#[tokio::test(flavor = "local")]
async fn who_gives_up_leaves_an_answer_for_the_next() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, LONG, LONG);
    fake.hang("a.example");
    let asker = ask(&resolver, "a.example");
    fake.asked("a.example", 1).await;
    asker.abort();
    assert!(asker.await.is_err());
    assert_eq!(resolver.usage().running, 1);

    fake.release("a.example");
    until(|| resolver.usage().running == 0).await;
    let answer = promptly(ask(&resolver, "a.example")).await;
    assert_eq!(answer, answer_for("a.example"));
    assert_eq!(fake.lookups("a.example"), 1);
}

#[tokio::test(flavor = "local")]
async fn no_more_threads_run_than_the_limit_says() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, LONG);
    let names: Vec<String> = (0..limits::DNS_QUEUE)
        .map(|number| format!("name{number}.example"))
        .collect();
    for _ in 0..20 {
        names.iter().for_each(|name| fake.hang(name));
        let askers: Vec<_> = names.iter().map(|name| ask(&resolver, name)).collect();
        until(|| fake.script().running == limits::DNS_THREADS).await;
        release_all(&fake);
        for asker in askers {
            promptly(asker).await.expect("answer");
        }
    }
    assert_eq!(fake.script().most_running, limits::DNS_THREADS);
}

#[tokio::test(flavor = "local")]
async fn ten_thousand_names_fit_in_the_table() {
    let seed = seed();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, LONG);
    for _ in 0..10_000 {
        let name = format!("{:x}.example", random.number());
        assert_eq!(resolver.resolve(&name).await, answer_for(&name));
        assert!(resolver.usage().names <= limits::DNS_NAMES);
    }
    assert_eq!(resolver.usage().names, limits::DNS_NAMES);
    assert_eq!(resolver.counters().lookups.get(), 10_000);
}

#[tokio::test(flavor = "local")]
async fn an_answer_stays_while_it_is_being_renewed() {
    let fake = Arc::new(Fake::default());
    let resolver = resolver(&fake, Duration::ZERO, Duration::from_millis(20));
    promptly(ask(&resolver, "kept.example"))
        .await
        .expect("answer");
    fake.hang("kept.example");
    promptly(ask(&resolver, "kept.example"))
        .await
        .expect("stands in");
    for number in 0..limits::DNS_NAMES * 2 {
        let name = format!("name{number}.example");
        promptly(ask(&resolver, &name)).await.expect("answer");
    }
    let kept = promptly(ask(&resolver, "kept.example")).await;
    assert_eq!(kept, answer_for("kept.example"));
    fake.release("kept.example");
}
