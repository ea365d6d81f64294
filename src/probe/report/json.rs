//! A finding as JSON. The shape is a promise, and the README tells it: fields may be added, and none
//! goes or changes its meaning.

use std::time::Duration;

use crate::identity::x509::{self, Summary};
use crate::json::Json;
use crate::probe::Finding;
use crate::upstream::connect::OurCertificate;

/// The report on one upstream.
pub fn finding(finding: &Finding) -> Json {
    let target = &finding.target;
    Json::Object(vec![
        ("url", target.url.as_str().into()),
        ("identity", target.identity.name.as_str().into()),
        ("good", finding.diagnosis.is_none().into()),
        ("problem", problem(finding)),
        ("resolve", resolve(finding)),
        ("dial", dial(finding)),
        ("tls", tls(finding)),
        ("server", server(finding)),
        ("certificate", certificate(finding)),
        ("request", request(finding)),
        ("again", again(finding)),
    ])
}

fn problem(finding: &Finding) -> Json {
    finding.diagnosis.as_ref().map_or(Json::Null, |diagnosis| {
        Json::Object(vec![
            ("code", diagnosis.code().into()),
            ("text", diagnosis.to_string().into()),
        ])
    })
}

fn resolve(finding: &Finding) -> Json {
    let facts = &finding.first.facts;
    let details = facts.details.as_deref();
    let addresses = details.map_or(&[][..], |details| &details.addresses);
    Json::Object(vec![
        (
            "addresses",
            Json::list(addresses.iter().map(ToString::to_string)),
        ),
        ("ms", ms(facts.took.resolve)),
    ])
}

fn dial(finding: &Finding) -> Json {
    let facts = &finding.first.facts;
    Json::Object(vec![
        (
            "address",
            facts.dialled.map(|address| address.to_string()).into(),
        ),
        ("ms", ms(facts.took.dial)),
    ])
}

fn tls(finding: &Finding) -> Json {
    let facts = &finding.first.facts;
    Json::Object(vec![
        ("sni", finding.target.sni().into()),
        ("alpn_offered", finding.target.identity.alpn.clone().into()),
        ("alpn", facts.alpn.as_deref().map(x509::printable).into()),
        (
            "version",
            facts.version.map(|version| version.to_string()).into(),
        ),
        ("cipher", facts.cipher.into()),
        ("group", facts.group.into()),
        ("ms", ms(facts.took.handshake)),
    ])
}

fn server(finding: &Finding) -> Json {
    let chain = finding.chain();
    let fault = finding.first.facts.fault.as_ref();
    let known = fault.is_some() || !chain.is_empty();
    let described = |one: Option<Summary>| one.as_ref().map_or(Json::Null, certified);
    Json::Object(vec![
        (
            "verified_as",
            finding.target.upstream.verify.to_string().into(),
        ),
        ("roots", finding.target.roots_file().into()),
        ("trusted", known.then_some(fault.is_none()).into()),
        ("fault", fault.map(ToString::to_string).into()),
        (
            "chain",
            Json::List(chain.into_iter().map(described).collect()),
        ),
    ])
}

fn certified(summary: &Summary) -> Json {
    Json::Object(vec![
        ("subject", summary.subject.as_str().into()),
        ("issuer", summary.issuer.as_str().into()),
        ("names", Json::list(summary.sans.iter().cloned())),
        ("not_before", x509::utc(summary.not_before).into()),
        ("not_after", x509::utc(summary.not_after).into()),
        ("key", summary.key.as_str().into()),
    ])
}

fn certificate(finding: &Finding) -> Json {
    let facts = &finding.first.facts;
    let details = facts.details.as_deref();
    let authorities = details.map_or(&[][..], |details| &details.authorities);
    let asked = facts.certificate != OurCertificate::NotAsked;
    let ours = finding.known.certificate();
    Json::Object(vec![
        ("asked", finding.knows_asked().then_some(asked).into()),
        (
            "authorities",
            Json::list(authorities.iter().map(|name| x509::name(name))),
        ),
        ("ours", ours.map_or(Json::Null, certified)),
        ("named", finding.known.is_named(authorities).into()),
        ("sent", (facts.certificate == OurCertificate::Sent).into()),
        ("accepted", finding.accepted().into()),
    ])
}

fn request(finding: &Finding) -> Json {
    let answer = finding.first.answer.as_ref();
    Json::Object(vec![
        ("path", finding.target.path().into()),
        (
            "status",
            answer.map(|answer| f64::from(answer.status)).into(),
        ),
        ("ms", ms(answer.map(|answer| answer.took))),
    ])
}

fn again(finding: &Finding) -> Json {
    let second = finding.second.as_ref();
    Json::Object(vec![
        ("connected", second.map(|second| second.succeeded()).into()),
        ("resumed", second.map(|second| second.facts.resumed).into()),
    ])
}

/// Milliseconds, to the microsecond.
fn ms(time: Option<Duration>) -> Json {
    time.map(|time| time.as_micros() as f64 / 1000.0).into()
}
