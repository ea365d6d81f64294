//! What was found, for people and for programs.

mod json;
mod sheet;

use std::time::{Duration, SystemTime};

pub use json::finding as json;
pub use sheet::{Sheet, Tone, wants_colour};

use super::{Diagnosis, Finding};
use crate::error::Failure;
use crate::identity::clock::unix_seconds;
use crate::identity::x509::{self, Summary};
use crate::upstream::connect::OurCertificate;

/// The report on one upstream.
pub fn text(finding: &Finding, sheet: &mut Sheet) {
    let target = &finding.target;
    sheet.title(&format!("{} as {}", target.url, target.identity.name));
    path(finding, sheet);
    tls(finding, sheet);
    server(finding, sheet);
    certificate(finding, sheet);
    exchange(finding, sheet);
    match &finding.diagnosis {
        None => sheet.toned("good", "nothing to change", Tone::Good),
        Some(diagnosis) => sheet.toned("problem", &diagnosis.to_string(), Tone::Bad),
    }
}

/// From the name to a TCP connection.
fn path(finding: &Finding, sheet: &mut Sheet) {
    let facts = &finding.first.facts;
    if let (Some(name), Some(took)) = (finding.target.upstream.host.name(), facts.took.resolve) {
        let details = facts.details.as_deref();
        let addresses = details.map_or(&[][..], |details| &details.addresses);
        let addresses = joined(addresses.iter().map(ToString::to_string));
        sheet.row("resolve", &format!("{name} is {addresses} ({})", ms(took)));
    }
    if let (Some(address), Some(took)) = (facts.dialled, facts.took.dial) {
        sheet.row("dial", &format!("{address} answers ({})", ms(took)));
    }
}

fn tls(finding: &Finding, sheet: &mut Sheet) {
    let facts = &finding.first.facts;
    if facts.dialled.is_none() {
        return;
    }
    let sni = finding.target.sni();
    sheet.row(
        "SNI",
        sni.as_deref().unwrap_or("none, the upstream is an address"),
    );
    let chosen = facts.alpn.as_deref().map(x509::printable);
    let alpn = match (&finding.target.identity.alpn, chosen) {
        (None, _) => String::from("none offered"),
        (Some(offered), Some(chosen)) => format!("{offered} offered, the server chose {chosen}"),
        (Some(offered), None) if finding.first.shook_hands() => {
            format!("{offered} offered, the server chose none")
        }
        (Some(offered), None) => format!("{offered} offered"),
    };
    sheet.row("ALPN", &alpn);
    let Some(version) = facts.version else {
        return;
    };
    let mut line = format!("TLS {version}");
    for part in [facts.cipher, facts.group].into_iter().flatten() {
        line += &format!(", {part}");
    }
    if let Some(took) = facts.took.handshake {
        line += &format!(" ({})", ms(took));
    }
    sheet.row("handshake", &line);
}

/// The chain as the server presented it, and whether it is trusted.
fn server(finding: &Finding, sheet: &mut Sheet) {
    let chain = finding.chain();
    let mut label = "server";
    for certificate in &chain {
        match certificate {
            Some(summary) => {
                sheet.row(label, named(&summary.subject));
                sheet.row("", &format!("issued by {}", named(&summary.issuer)));
                if !summary.sans.is_empty() {
                    sheet.row("", &format!("for {}", joined(summary.sans.iter().cloned())));
                }
                sheet.row("", &validity(summary, finding.now));
            }
            None => sheet.row(label, "a certificate that cannot be read"),
        }
        label = "sent with it";
    }
    let roots = finding.target.roots();
    let name = &finding.target.upstream.verify;
    match (&finding.first.facts.fault, chain.is_empty()) {
        (Some(fault), _) => sheet.row("trusted", &format!("no: {fault}")),
        (None, false) => sheet.row("trusted", &format!("as {name}, by {roots}")),
        (None, true) => {}
    }
}

fn certificate(finding: &Finding, sheet: &mut Sheet) {
    let facts = &finding.first.facts;
    if !finding.knows_asked() {
        return;
    }
    let details = facts.details.as_deref();
    let authorities = details.map_or(&[][..], |details| &details.authorities);
    let asked = match (facts.certificate, authorities) {
        (OurCertificate::NotAsked, _) => String::from("no"),
        (_, []) => String::from("yes, of any CA"),
        (_, all) => format!(
            "yes, of {}",
            joined(all.iter().map(|name| x509::name(name)))
        ),
    };
    sheet.row("asks for ours", &asked);
    let Some(ours) = finding.known.certificate() else {
        sheet.row("ours", "none, the identity has no cert=");
        return;
    };
    let among = match finding.known.is_named(authorities) {
        Some(true) => ", one of these",
        Some(false) => ", NOT one of these",
        None => "",
    };
    sheet.row("ours", named(&ours.subject));
    sheet.row("", &format!("issued by {}{among}", named(&ours.issuer)));
    sheet.row("", &validity(ours, finding.now));
    let fate = match (facts.certificate, finding.accepted()) {
        (OurCertificate::NotAsked, _) => "not sent, since it was not asked for",
        (OurCertificate::NotSent, _) => "not sent, since the server takes none of its kind",
        (OurCertificate::Sent, Some(true)) => "sent and accepted",
        (OurCertificate::Sent, Some(false)) => "sent and refused",
        (OurCertificate::Sent, None) => "sent; whether it was accepted is not known",
    };
    sheet.row("", fate);
}

fn exchange(finding: &Finding, sheet: &mut Sheet) {
    let path = finding.target.path();
    match (&finding.first.answer, &finding.first.failure) {
        (Some(answer), _) => {
            let (status, took) = (answer.status, ms(answer.took));
            sheet.row(
                "request",
                &format!("GET {path} is answered {status} ({took})"),
            );
        }
        (None, Some(_)) if finding.first.shook_hands() => {
            sheet.row("request", &format!("GET {path} is not answered"));
        }
        (None, _) => {}
    }
    let Some(second) = &finding.second else {
        return;
    };
    let again = match &second.failure {
        Some(cause) => format!("fails: {}", Failure::from(cause.clone())),
        None if second.facts.resumed => String::from("resumes the session"),
        None if finding.target.identity.sessions == 0 => {
            String::from("a full handshake, sessions=0 keeps no session")
        }
        None => String::from("a full handshake, the server resumes no session"),
    };
    sheet.row("connect again", &again);
}

impl Finding {
    /// Whether it is known if a certificate was asked for: the handshake came that far.
    fn knows_asked(&self) -> bool {
        let asked = self.first.facts.certificate != OurCertificate::NotAsked;
        asked || self.first.shook_hands()
    }

    /// Whether the server accepted our certificate; `None`: it was not sent, or nobody knows.
    fn accepted(&self) -> Option<bool> {
        match (&self.diagnosis, self.first.facts.certificate) {
            (_, OurCertificate::NotAsked | OurCertificate::NotSent) => None,
            (Some(Diagnosis::CertificateRefused { .. } | Diagnosis::IssuerNotNamed { .. }), _) => {
                Some(false)
            }
            _ => self.first.answer.is_some().then_some(true),
        }
    }

    /// What the server's certificates say, its own first; `None` for one that cannot be read.
    fn chain(&self) -> Vec<Option<Summary>> {
        let details = self.first.facts.details.as_deref();
        let chain = details.map_or(&[][..], |details| &details.chain);
        chain.iter().map(|der| x509::summarize(der).ok()).collect()
    }
}

fn validity(summary: &Summary, now: Option<SystemTime>) -> String {
    let (first, last) = (summary.not_before, summary.not_after);
    let mut text = format!("valid {} to {}", x509::utc(first), x509::utc(last));
    if let Some(now) = now.map(unix_seconds) {
        let end = if now > last { "ended" } else { "ends" };
        text += &format!(", {end} {}", x509::relative(last, now));
    }
    format!("{text}, {}", summary.key)
}

fn named(name: &str) -> &str {
    match name {
        "" => "(no name)",
        name => name,
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms < 10.0 {
        true => format!("{ms:.1} ms"),
        false => format!("{ms:.0} ms"),
    }
}
