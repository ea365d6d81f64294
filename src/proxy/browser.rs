//! Web pages must not use the device's identity: what marks a browser's request, and when it may
//! pass all the same.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request may have been made by a web page of somebody else.
///
/// A page of another origin says so itself (`Sec-Fetch-Site`, `Origin`). A page whose name was
/// rebound to our address is of the same origin to the browser, and what it reads without side
/// effects carries neither field: its Host is what tells, and that it is a browser at all.
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(|site| site.as_bytes());
    let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes());
    let marked = site.is_some() || origin.is_some();
    if !marked && !is_browser(headers) {
        return false;
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| is_own_name(host)) else {
        return true;
    };
    // An image or a form of another page carries no mark where our address is not loopback.
    let referer = headers
        .get(header::REFERER)
        .map(|referer| referer.as_bytes());
    if referer.is_some_and(|referer| !is_page_of(referer, host)) {
        return true;
    }
    let site_is_own = site.is_none_or(|site| matches!(site, b"same-origin" | b"none"));
    let origin_is_own = origin.is_none_or(|origin| is_origin_of(origin, host));
    !site_is_own || !origin_is_own
}

fn is_browser(headers: &HeaderMap) -> bool {
    headers
        .get(header::USER_AGENT)
        .is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/5.0"))
}

/// An address or `localhost`: what no other party's DNS can answer for.
fn is_own_name(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost")
        || name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
            .is_ok()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether `referer` is a URL of `host` (RFC 9110 §10.1.3).
fn is_page_of(referer: &[u8], host: &str) -> bool {
    let end = referer
        .iter()
        .skip("http://".len())
        .position(|byte| *byte == b'/');
    let origin = end.map_or(Some(referer), |end| referer.get(..end + "http://".len()));
    origin.is_some_and(|origin| is_origin_of(origin, host))
}

/// Whether `origin` is `http://` and `host` (RFC 6454 §6.2).
fn is_origin_of(origin: &[u8], host: &str) -> bool {
    fn without_default_port(authority: &str) -> &str {
        authority.strip_suffix(":80").unwrap_or(authority)
    }
    std::str::from_utf8(origin)
        .ok()
        .and_then(|origin| origin.strip_prefix("http://"))
        .is_some_and(|authority| {
            without_default_port(authority).eq_ignore_ascii_case(without_default_port(host))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn foreign(fields: &[(&'static str, &'static str)]) -> bool {
        let headers = fields
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        is_foreign(&headers)
    }

    #[test]
    fn programs_are_not_touched_whatever_they_call_us() {
        assert!(!foreign(&[
            ("host", "box.lan:8080"),
            ("user-agent", "curl/8.0")
        ]));
        assert!(!foreign(&[]));
    }

    #[test]
    fn a_page_of_another_origin_is_foreign() {
        for site in ["cross-site", "same-site", "", "none, cross-site"] {
            assert!(
                foreign(&[("host", "127.0.0.1:8080"), ("sec-fetch-site", site)]),
                "{site}"
            );
        }
        for origin in [
            "http://evil.example",
            "null",
            "https://127.0.0.1:8080",
            "http://127.0.0.1",
        ] {
            assert!(
                foreign(&[("host", "127.0.0.1:8080"), ("origin", origin)]),
                "{origin}"
            );
        }
        assert!(foreign(&[
            ("host", "127.0.0.1:8080"),
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://evil.example"),
        ]));
    }

    #[test]
    fn a_page_of_our_own_passes() {
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "[::1]:8080",
            "LOCALHOST",
            "192.0.2.1",
        ] {
            for site in ["same-origin", "none"] {
                assert!(
                    !foreign(&[("host", host), ("sec-fetch-site", site)]),
                    "{host}"
                );
            }
        }
        assert!(!foreign(&[
            ("host", "localhost:80"),
            ("origin", "http://localhost")
        ]));
    }

    #[test]
    fn a_page_that_the_browser_does_not_mark_is_told_by_its_referer() {
        let browser = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");
        let host = ("host", "192.0.2.1:8080");
        assert!(foreign(&[
            host,
            browser,
            ("referer", "http://evil.example/a")
        ]));
        assert!(foreign(&[
            host,
            browser,
            ("referer", "http://192.0.2.1:8080.evil.example/")
        ]));
        assert!(foreign(&[host, browser, ("referer", "http:/")]));
        assert!(!foreign(&[
            host,
            browser,
            ("referer", "http://192.0.2.1:8080/a/b?c")
        ]));
        assert!(!foreign(&[host, browser]));
        assert!(!foreign(&[
            host,
            ("user-agent", "curl/8"),
            ("referer", "http://evil.example/")
        ]));
    }

    #[test]
    fn a_rebound_name_is_foreign_even_where_the_browser_calls_it_same_origin() {
        let host = ("host", "rebound.example:8080");
        assert!(foreign(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(foreign(&[host, ("origin", "http://rebound.example:8080")]));
        assert!(foreign(&[
            host,
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")
        ]));
    }
}
