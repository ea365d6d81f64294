//! The status page: one document that needs nothing else and no script. With one, it fetches itself
//! again and shows what is new.

use std::fmt::Display;
use std::rc::Rc;
use std::time::SystemTime;

use super::html::Html;
use super::{Admin, Content, Watched, words};
use crate::check::date_warning;
use crate::identity::clock::unix_seconds;
use crate::identity::x509::{self, Summary};
use crate::identity::{Epoch, Identity};
use crate::limits;
use crate::metrics::RouteCounters;
use crate::proxy::Handshake;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What a browser may do with anything that comes from here: this style and this script, by their
/// hashes, which a test compares.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'sha256-nuQOetHZeCHtRXQh9pwU0U7WhI2PHObyXLxwWRDe0MM='; script-src 'sha256-3DXCoayLh0xKYxgBZqUR278+BasT/orOyugYLHUKTEk='; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn page(admin: &Admin) -> Content {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=en><head><meta charset=utf-8><title>egret</title>")
        .raw("<meta name=viewport content=\"width=device-width\">")
        .raw("<link rel=icon href=\"data:,\">")
        .raw("<noscript><meta http-equiv=refresh content=10></noscript>")
        .raw("<style>")
        .raw(STYLE)
        .raw("</style></head>\n<body><main>");
    head(admin, &mut html);
    html.raw("\n<h2>Identities</h2><div class=cards>");
    for one in &admin.identities {
        identity(one, admin, &mut html);
    }
    html.raw("</div>\n<h2>Routes</h2><div class=\"cards wide\">");
    for one in &admin.routes {
        route(one, admin, &mut html);
    }
    html.raw("</div>\n<h2>Tables</h2><div class=cards>");
    tables(admin, &mut html);
    html.raw("</div>\n<h2>Recent failures</h2>");
    recent(admin, &mut html);
    html.raw("</main>\n<footer class=small><p id=stale class=bad hidden>egret does not answer")
        .raw("<p><a href=\"/status.json\">status.json</a> \u{b7} <a href=\"/metrics\">metrics</a>")
        .raw(" \u{b7} <a href=\"/readyz\">readyz</a></footer>\n<script>")
        .raw(SCRIPT)
        .raw("</script></body></html>\n");
    Content {
        kind: "text/html; charset=utf-8",
        text: html.finish(),
    }
}

fn head(admin: &Admin, html: &mut Html) {
    let health = admin.health();
    let now = admin.proxy.clock.now();
    html.raw("<header><h1>egret</h1>");
    html.raw(match (health.is_ready(), admin.stopping.get()) {
        (true, _) => "<b class=good>ready</b>",
        (false, false) => "<b class=bad>not ready</b>",
        (false, true) => "<b class=bad>stopping</b>",
    });
    html.raw("<span class=\"soft small\">")
        .text(env!("CARGO_PKG_VERSION"))
        .raw(" \u{b7} started ")
        .text(words::ago(
            now.checked_sub(admin.started.elapsed()).unwrap_or(now),
            now,
        ))
        .raw(" \u{b7} ")
        .text(words::time(now))
        .raw("</span></header>");
    told("<div class=\"told bad\">", &health.faults, html);
    told("<div class=\"told warn\">", &health.notes, html);
}

fn told(box_of: &'static str, lines: &[String], html: &mut Html) {
    if lines.is_empty() {
        return;
    }
    html.raw(box_of);
    for line in lines {
        html.raw("<p>").text(line).raw("</p>");
    }
    html.raw("</div>");
}

fn identity(identity: &Rc<Identity>, admin: &Admin, html: &mut Html) {
    let (config, usage) = (&identity.config, identity.usage());
    let epoch = identity.current().ok();
    html.raw("\n<section class=card><div class=top><h3>")
        .text(&config.name)
        .raw("</h3>");
    let certificate = epoch.as_deref().and_then(Epoch::certificate);
    match (&epoch, certificate) {
        (None, _) => html.raw("<b class=bad>not available</b>"),
        (Some(_), None) => html.raw("<span class=soft>no certificate</span>"),
        (Some(_), Some(certificate)) => end(certificate, admin.proxy.clock.now(), html),
    };
    html.raw("</div>");
    if let Some(epoch) = &epoch {
        html.raw("<dl>");
        if let Some(certificate) = certificate {
            html.term("subject", &certificate.subject)
                .term("issuer", &certificate.issuer)
                .term("ends", x509::utc(certificate.not_after))
                .term("key", &certificate.key);
        }
        html.term("trusts", counted(epoch.roots(), "root"))
            .term("epoch", epoch.number);
        html.raw("</dl>");
    }
    if let Some(fault) = identity.fault() {
        html.raw("<p class=\"small bad any\">")
            .text(fault)
            .raw("</p>");
    }
    html.raw("<div class=bars>");
    let connections = Bar {
        busy: usage.busy,
        idle: usage.idle,
        most: config.connections,
    };
    connections.show("connections", html);
    Bar::of(usage.waiting, config.waiting).show("waiting", html);
    Bar::of(usage.sessions, config.sessions).show("sessions", html);
    Bar::of(usage.handshakes, limits::HANDSHAKES_PER_IDENTITY).show("handshakes", html);
    html.raw("</div></section>");
}

/// How far away the end of a certificate is.
fn end<'a>(certificate: &Summary, now: SystemTime, html: &'a mut Html) -> &'a mut Html {
    let warning = date_warning(certificate, Some(now));
    html.raw(match warning {
        Some(warning) if warning.is_invalid() => "<b class=bad>",
        Some(_) => "<b class=warn>",
        None => "<b class=good>",
    });
    let seconds = unix_seconds(now);
    let (what, date) = match seconds < certificate.not_before {
        true => ("begins ", certificate.not_before),
        false if seconds > certificate.not_after => ("ended ", certificate.not_after),
        false => ("ends ", certificate.not_after),
    };
    html.raw(what)
        .text(x509::relative(date, seconds))
        .raw("</b>")
}

fn route(route: &Watched, admin: &Admin, html: &mut Html) {
    let now = admin.proxy.clock.now();
    html.raw("\n<section class=card><h3>")
        .text(&route.name)
        .raw("</h3><p class=\"small any\">to ")
        .text(&route.to)
        .raw(" as <b>")
        .text(&route.identity)
        .raw("</b></p>");
    html.raw("<dl>");
    html.raw("<dt>requests<dd class=n>");
    counts(&route.tally.counters, html);
    if let Some(last) = route.tally.last_handshake() {
        handshake(&last, now, html);
    }
    if let Some(failure) = route.tally.last_failure() {
        html.raw("<dt>last error<dd><span class=bad>")
            .text(&failure.text)
            .raw("</span> <span class=soft>")
            .text(words::ago(failure.at, now))
            .raw("</span>");
    }
    html.raw("</dl></section>");
}

fn counts(counters: &RouteCounters, html: &mut Html) {
    let mut none = true;
    for (class, count) in counters.classes().filter(|(_, count)| *count > 0) {
        html.raw(if none { "" } else { ", " })
            .text(count)
            .raw(" \u{d7} ")
            .text(class)
            .raw("xx");
        none = false;
    }
    if counters.gone.get() > 0 {
        html.raw(if none { "" } else { ", " })
            .text(counters.gone.get())
            .raw(" gone");
        none = false;
    }
    if none {
        html.raw("none yet");
    }
}

fn handshake(last: &Handshake, now: SystemTime, html: &mut Html) {
    let facts = &last.facts;
    html.raw("<dt>last handshake<dd>");
    if let Some(version) = facts.version {
        html.raw("TLS ").text(version).raw(", ");
    }
    for part in [facts.cipher, facts.group].into_iter().flatten() {
        html.text(part).raw(", ");
    }
    html.raw(match facts.alpn {
        Some(_) => "ALPN ",
        None => "no ALPN",
    });
    let alpn = facts.alpn.as_deref().unwrap_or_default();
    html.text(String::from_utf8_lossy(alpn));
    html.raw(if facts.resumed { ", resumed" } else { ", full" });
    if let Some(took) = facts.took.handshake {
        let milliseconds = took.as_secs_f64() * 1000.0;
        html.raw(", ")
            .text(format_args!("{milliseconds:.1}"))
            .raw(" ms");
    }
    html.raw(" <span class=soft>")
        .text(words::ago(last.at, now))
        .raw("</span>")
        .term("our certificate", words::certificate(facts.certificate))
        .term("upstream", words::upstream(&last.upstream));
    if let Some(address) = facts.dialled {
        html.raw(" at ").text(address);
    }
}

fn tables(admin: &Admin, html: &mut Html) {
    html.raw("\n<section class=card><h3>Clients</h3><div class=bars>");
    for (listen, clients) in &admin.clients {
        let bar = Bar {
            busy: clients.len() - clients.idle(),
            idle: clients.idle(),
            most: clients.capacity(),
        };
        bar.show(listen, html);
    }
    let resolver = &admin.proxy.dialer.resolver;
    let (held, done) = (resolver.usage(), resolver.counters());
    html.raw("</div></section>\n<section class=card><h3>DNS</h3><div class=bars>");
    Bar::of(held.names, limits::DNS_NAMES).show("names", html);
    Bar::of(held.running, limits::DNS_THREADS).show("running", html);
    Bar::of(held.queued, limits::DNS_QUEUE).show("queued", html);
    html.raw("</div><p class=\"small soft\">")
        .text(counted(done.lookups.get() as usize, "lookup"))
        .raw(", ")
        .text(done.failures.get())
        .raw(" failed, ")
        .text(counted(done.stale.get() as usize, "old answer"))
        .raw(" used</p></section>");
}

fn recent(admin: &Admin, html: &mut Html) {
    let failures = admin.proxy.ledger.recent();
    if failures.is_empty() {
        html.raw("<p class=soft>None.</p>");
        return;
    }
    html.raw("<div class=card><table>");
    for failure in failures.iter().rev() {
        html.raw("<tr><td>")
            .text(words::time(failure.at))
            .raw("<td>")
            .text(&failure.text)
            .raw("\n");
    }
    html.raw("</table></div>");
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// How full a table is.
struct Bar {
    busy: usize,
    idle: usize,
    most: usize,
}

impl Bar {
    fn of(used: usize, most: usize) -> Self {
        Self {
            busy: used,
            idle: 0,
            most,
        }
    }

    fn show(&self, what: impl Display, html: &mut Html) {
        let percent = |count: usize| (100 * count).div_ceil(self.most.max(1));
        let busy = percent(self.busy);
        html.raw("<span class=\"soft any\">")
            .text(what)
            .raw("</span>");
        html.raw(
            "<svg viewBox=\"0 0 100 1\" preserveAspectRatio=none aria-hidden=true><rect class=",
        );
        html.raw(match self.busy > 0 && self.busy >= self.most {
            true => "full",
            false => "busy",
        });
        html.raw(" height=1 width=").text(busy).raw(" />");
        if self.idle > 0 {
            html.raw("<rect class=idle height=1 x=")
                .text(busy)
                .raw(" width=")
                .text(percent(self.idle))
                .raw(" />");
        }
        html.raw("</svg><span>").text(self.busy + self.idle);
        html.raw(" of ").text(self.most).raw("</span>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..4 {
                text.push(match digit <= group.len() {
                    true => char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]),
                    false => '=',
                });
            }
        }
        text
    }

    #[test]
    fn the_policy_permits_this_style_and_this_script_and_nothing_else() {
        for (what, text) in [("style", STYLE), ("script", SCRIPT)] {
            let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
            let permitted = format!("{what}-src 'sha256-{}'; ", base64(hash.as_ref()));
            assert!(POLICY.contains(&permitted), "write {permitted}");
        }
    }

    #[test]
    fn a_bar_is_never_longer_than_its_table() {
        let shown = |busy, idle, most| {
            let mut html = Html::default();
            Bar { busy, idle, most }.show("x", &mut html);
            html.finish()
        };
        assert!(shown(1, 2, 16).contains("width=7 />"));
        assert!(shown(1, 2, 16).contains("x=7 width=13 />"));
        assert!(shown(1, 2, 16).contains("<span>3 of 16</span>"));
        assert!(shown(16, 0, 16).contains("class=full height=1 width=100 />"));
        assert!(shown(0, 0, 0).contains("0 of 0"));
    }
}
