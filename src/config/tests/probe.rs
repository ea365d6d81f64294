//! What `egret probe` is to look at.

use super::flags_of;
use crate::config::{Config, Host, ProbePlan, ProbeTarget, build_probe};

fn probe(target: Option<&str>, words: &[&str]) -> Result<(Config, ProbePlan), Vec<String>> {
    let words: Vec<_> = ["probe"].iter().chain(words).collect();
    build_probe(&flags_of(&words), target).map_err(|rejected| {
        let errors = rejected.errors.iter();
        errors.map(ToString::to_string).collect()
    })
}

/// A target as `URL NAME`, and what it says more.
fn told(config: &Config, target: &ProbeTarget) -> String {
    let mut text = format!("{} {}", target.url, config.identity(target.identity).name);
    for (key, value) in [
        ("sni", target.sni.clone()),
        ("verify", target.verify.as_ref().map(Host::to_string)),
        ("host", target.host.clone()),
    ] {
        if let Some(value) = value {
            text += &format!(" {key}={value}");
        }
    }
    text
}

fn targets(target: Option<&str>, words: &[&str]) -> Vec<String> {
    match probe(target, words) {
        Ok((config, ProbePlan::Each(targets))) => {
            targets.iter().map(|target| told(&config, target)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// What `--isolation` compares, as `URL NAME...`.
fn compared(target: Option<&str>, words: &[&str]) -> Vec<String> {
    let words: Vec<_> = words.iter().copied().chain(["--isolation"]).collect();
    match probe(target, &words) {
        Ok((config, ProbePlan::Isolate(all))) => {
            let text = |one: &crate::config::Compared| {
                let names = one.identities.iter().map(|id| &config.identity(*id).name);
                names.fold(one.target.url.to_string(), |text, name| text + " " + name)
            };
            all.iter().map(text).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn errors(target: Option<&str>, words: &[&str]) -> Vec<String> {
    probe(target, words).err().unwrap_or_default()
}

const TWO: [&str; 2] = ["--identity=x", "--identity=y"];

#[test]
fn every_upstream_of_the_options_is_a_target_once_for_each_identity() {
    let words = [
        "--identity=x",
        "--route=1,to=https://a,identity=x",
        "--route=2,to=https://a,identity=x",
        "--route=3,to=https://a,identity=none",
        "--route=4,to=https://a/p,identity=x,sni=b,host=c:1",
        "--route=5,to=https://a,identity=x,verify=10.0.0.1,host=keep",
        "--forward=6,to=d,identity=x",
        "--forward=6,to=e:8443,identity=x",
        "--forward=6,to=f:*,identity=none",
        "--forward=6,to=*.g,identity=x",
        "--forward=6,to=*,identity=x",
    ];
    assert_eq!(
        targets(None, &words),
        [
            "https://a x",
            "https://a none",
            "https://a/p x sni=b host=c:1",
            "https://a x verify=10.0.0.1",
            "https://d x",
            "https://e:8443 x",
            "https://f none",
        ]
    );
}

#[test]
fn without_an_upstream_there_is_nothing_to_probe() {
    let nothing = "probe: no --route is given, and no --forward to one host; name a URL: egret \
         probe https://HOST OPTIONS";
    assert_eq!(errors(None, &[]), [nothing]);
    assert_eq!(errors(None, &["--forward=1,to=*,identity=none"]), [nothing]);
    // Why there is none is said already.
    assert_eq!(errors(None, &["--route=1,to=https://a"]).len(), 1);
}

#[test]
fn a_url_is_probed_as_the_identity_that_was_chosen() {
    assert_eq!(targets(Some("https://a"), &[]), ["https://a none"]);
    assert_eq!(
        targets(Some("https://a"), &["--identity=x"]),
        ["https://a x"]
    );
    assert_eq!(targets(Some("https://a,identity=y"), &TWO), ["https://a y"]);
    assert_eq!(
        targets(Some("https://a,identity=none"), &TWO),
        ["https://a none"]
    );
    assert_eq!(
        errors(Some("https://a"), &TWO),
        [
            "probe \"https://a\": choose as whom: put ,identity=NAME behind the URL, one of x, y \
             and none"
        ]
    );
}

#[test]
fn a_choice_of_identities_shows_no_control_byte_of_their_names() {
    let errors = errors(
        Some("https://a"),
        &["--identity=x", "--identity=y\n\u{1b}[2J"],
    );
    let choice = errors.iter().find(|error| error.contains("choose as whom"));
    let choice = choice.expect("a choice");
    assert!(choice.contains(r"x, y\n\u{1b}[2J and none"), "{choice}");
}

#[test]
fn a_url_that_routes_lead_to_is_probed_as_they_go_there() {
    let words = [
        TWO[0],
        TWO[1],
        "--route=1,to=https://a/p,identity=x,sni=b,verify=c,host=d",
        "--route=2,to=https://a,identity=none",
        "--route=3,to=https://a:8443,identity=y",
    ];
    let probed = |target| targets(Some(target), &words);
    assert_eq!(
        probed("https://A/q"),
        ["https://a/q none", "https://a/q x sni=b verify=c host=d"]
    );
    assert_eq!(probed("https://a:8443"), ["https://a:8443 y"]);
    assert_eq!(probed("https://a,identity=y"), ["https://a y"]);
    assert_eq!(
        probed("https://a,identity=x,sni=e"),
        ["https://a x sni=e host=d"]
    );
    assert_eq!(
        probed("https://a,identity=x,verify=f,host=g"),
        ["https://a x sni=b verify=f host=g"]
    );
}

#[test]
fn a_target_that_means_nothing_is_told_with_its_remedy() {
    let table: &[(&str, &str)] = &[
        ("a", "upstream must be https://"),
        ("http://a", "upstream must be https://"),
        ("https://a,identity=z", "no --identity has this name"),
        (
            "https://a,path=/x",
            "path= is unknown; allowed: identity=, sni=, verify=, host=",
        ),
        ("https://a,sni=10.0.0.1", "sni=10.0.0.1: "),
        (
            "https://a,sni=b,sni=c",
            "sni= is given more than once; give it once",
        ),
        ("https://a,host=", "host=: host is missing"),
    ];
    for (target, part) in table {
        let errors = errors(Some(target), &["--identity=x"]);
        assert_eq!(errors.len(), 1, "{target}: {errors:?}");
        let start = format!("probe {target:?}: ");
        assert!(errors[0].starts_with(&start), "{errors:?}");
        assert!(errors[0].contains(part), "{part}: {errors:?}");
    }
}

#[test]
fn identities_with_certificates_are_compared_at_the_upstreams_they_are_sent_to() {
    let words = [
        "--identity=x,cert=x",
        "--identity=y,cert=y",
        "--identity=z,cert=z",
        "--identity=bare",
        "--route=1,to=https://a,identity=x",
        "--route=2,to=https://a,identity=none",
        "--route=3,to=https://a,identity=bare",
        "--route=4,to=https://a,identity=y",
        "--route=5,to=https://a,identity=z",
        "--route=6,to=https://b,identity=y",
        "--route=7,to=https://c,identity=bare",
    ];
    assert_eq!(compared(None, &words), ["https://a x y", "https://b y"]);
    // Whoever names one wants the others compared to it.
    let named = compared(Some("https://d,identity=y"), &words);
    assert_eq!(named, ["https://d y x"]);
    assert_eq!(compared(Some("https://b"), &words), ["https://b y x"]);
    let nothing = "--isolation: needs an identity with cert= for the upstream, or two to compare; \
         add --identity NAME,cert=FILE";
    let bare = ["--isolation", "--route=1,to=https://a,identity=none"];
    assert_eq!(errors(None, &bare), [nothing]);
}
