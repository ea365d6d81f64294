//! The fields of a message on its way through. Knows no socket, clock or log.

use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};

use super::present::Present;
use crate::limits;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Who we are in `Via` (RFC 9110 §7.6.3): a name of this process alone.
#[derive(Debug, Clone)]
pub struct Pseudonym {
    name: String,
    via_11: HeaderValue,
    via_10: HeaderValue,
}

impl Pseudonym {
    /// `egret-` and the 8 hex digits of `number`.
    pub fn new(number: u32) -> Self {
        let name = format!("egret-{number:08x}");
        let via = |version: &str| {
            HeaderValue::from_str(&format!("{version} {name}"))
                .unwrap_or_else(|_| HeaderValue::from_static("1.1 egret"))
        };
        Self {
            via_11: via("1.1"),
            via_10: via("1.0"),
            name,
        }
    }

    /// Whether a message with these fields has been here before.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::VIA).iter().any(|value| {
            value
                .as_bytes()
                .split(|byte| *byte == b',')
                .any(|member| self.is_received_by(member))
        })
    }

    /// `received-protocol RWS received-by [RWS comment]`.
    fn is_received_by(&self, member: &[u8]) -> bool {
        member
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty())
            .nth(1)
            .is_some_and(|word| word.eq_ignore_ascii_case(self.name.as_bytes()))
    }

    /// Adds us to `Via`, as the last.
    pub fn add_to(&self, headers: &mut HeaderMap, http_11: bool) {
        let via = if http_11 { &self.via_11 } else { &self.via_10 };
        headers.append(header::VIA, via.clone());
    }
}

/// How the body of a request is framed on the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFraming {
    /// No body: a `Content-Length: 0` that the client sent stays.
    None,
    /// As the client's Content-Length says.
    Length,
    /// Chunks.
    Chunked,
}

/// A client's fields, of which these are `present`, become those that go out: hop-by-hop fields go,
/// `TE: trailers` stays as what it is, and the framing is the one given (RFC 9110 §7.6.1).
pub fn request(headers: &mut HeaderMap, present: Present, framing: RequestFraming) {
    let trailers = present.has(Present::TE) && accepts_trailers(headers);
    remove_hop_by_hop(headers, present);
    if present.has(Present::PROXY_AUTHORIZATION) {
        headers.remove(header::PROXY_AUTHORIZATION);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    if framing == RequestFraming::Chunked {
        headers.insert(
            header::TRANSFER_ENCODING,
            HeaderValue::from_static("chunked"),
        );
    }
}

/// Counts this hop in `Max-Forwards`. False when it is the last that the request may take; a value
/// that is no number counts nothing (RFC 9110 §7.6.2).
pub fn count_hop(headers: &mut HeaderMap) -> bool {
    let left = headers
        .get(header::MAX_FORWARDS)
        .and_then(|value| value.to_str().ok())
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse::<u64>().ok());
    if let Some(less) = left.and_then(|left| left.checked_sub(1)) {
        headers.insert(header::MAX_FORWARDS, HeaderValue::from(less));
    }
    left != Some(0)
}

/// An upstream's fields, of which these are `present`, become those that the client gets.
pub fn response(headers: &mut HeaderMap, present: Present) {
    remove_hop_by_hop(headers, present);
}

/// Fields that mean nothing after a body, or that would change what was said before it (RFC 9110
/// §6.5.1).
const NEVER_TRAILERS: [HeaderName; 19] = [
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::HOST,
    header::MAX_FORWARDS,
    header::PROXY_AUTHORIZATION,
    header::SET_COOKIE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::VIA,
];

/// The trailer fields that a message announces, of those that may go on after a body of this
/// framing: the ones that concern one hop, or a head, may not.
pub fn announced_trailers(headers: &HeaderMap, framing: RequestFraming) -> Vec<HeaderName> {
    if framing != RequestFraming::Chunked {
        return Vec::new();
    }
    let values = headers.get_all(header::TRAILER).iter();
    let members = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    members
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| !NEVER_TRAILERS.contains(name))
        // There are no more in one message.
        .take(limits::FIELDS_MAX)
        .collect()
}

/// The protocols that a client offers to switch to, where it may: not TLS and not another HTTP,
/// which are not for the upstream to speak (RFC 9110 §7.8).
pub fn offered_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = has_member(headers, header::CONNECTION, b"upgrade");
    let offered: Vec<&str> = protocols(headers)
        .filter(|protocol| asks && !is_transport(protocol))
        .collect();
    match offered.is_empty() {
        true => None,
        false => HeaderValue::try_from(offered.join(", ")).ok(),
    }
}

/// Whether a 101 with these fields switches to something that was `offered` (RFC 9110 §7.8).
pub fn switches_as_offered(headers: &HeaderMap, offered: &HeaderValue) -> bool {
    let offered = offered.to_str().unwrap_or_default();
    let is_offered = |protocol: &str| {
        offered
            .split(", ")
            .any(|one| one.eq_ignore_ascii_case(protocol))
    };
    // What cannot be read was not offered, and the first value is what the client gets.
    let mut values = headers.get_all(header::UPGRADE).iter();
    values.all(|value| value.to_str().is_ok())
        && protocols(headers).next().is_some()
        && protocols(headers).all(is_offered)
}

/// The members of Upgrade.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::UPGRADE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty())
}

fn is_transport(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or(protocol);
    ["h2c", "h2", "tls", "http"]
        .iter()
        .any(|transport| name.eq_ignore_ascii_case(transport))
}

/// Says that the connection switches, or offers to.
pub fn set_upgrade(headers: &mut HeaderMap, protocols: HeaderValue) {
    headers.insert(header::UPGRADE, protocols);
    headers.append(header::CONNECTION, HeaderValue::from_static("upgrade"));
}

fn has_member(headers: &HeaderMap, name: HeaderName, wanted: &[u8]) -> bool {
    headers.get_all(name).iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|member| member.trim_ascii().eq_ignore_ascii_case(wanted))
    })
}

/// Whether the client takes trailer fields (RFC 9110 §10.1.4).
pub fn accepts_trailers(headers: &HeaderMap) -> bool {
    has_member(headers, header::TE, b"trailers")
}

fn remove_hop_by_hop(headers: &mut HeaderMap, present: Present) {
    if present.has(Present::CONNECTION) {
        remove_named_by_connection(headers);
    }
    for (field, name) in [
        (Present::KEEP_ALIVE, KEEP_ALIVE),
        (Present::PROXY_CONNECTION, PROXY_CONNECTION),
        (Present::TE, header::TE),
        (Present::TRANSFER_ENCODING, header::TRANSFER_ENCODING),
        (Present::UPGRADE, header::UPGRADE),
    ] {
        if present.has(field) {
            headers.remove(name);
        }
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let Entry::Occupied(entry) = headers.entry(header::CONNECTION) else {
        return;
    };
    // What most servers say, and it names no field that stays.
    let says_no_more = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
    if entry.iter().all(says_no_more) {
        entry.remove_entry_mult();
        return;
    }
    let values: Vec<HeaderValue> = entry.remove_entry_mult().1.collect();
    let options = values
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for option in options {
        // What routes or frames a message is not for the client to take away.
        match HeaderName::from_bytes(option.trim_ascii()) {
            Ok(header::HOST | header::CONTENT_LENGTH | header::VIA | header::TRAILER) => {}
            Ok(name) => {
                headers.remove(name);
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn as_sent(map: &mut HeaderMap, framing: RequestFraming) {
        let present = Present::of(map);
        request(map, present, framing);
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn hop_by_hop_fields_and_those_named_by_connection_go() {
        let mut map = headers(&[
            ("connection", "close, X-One, x-two"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic eDp5"),
        ]);
        as_sent(&mut map, RequestFraming::None);
        assert_eq!(names(&map), ["x-three"]);
    }

    #[test]
    fn trailers_that_are_announced_may_go_on_unless_they_belong_to_a_head() {
        let map = headers(&[
            ("trailer", "X-Sum, Authorization,,Content-Length"),
            ("trailer", "x-sum-2,not a name,Keep-Alive, Set-Cookie"),
        ]);
        let announced = announced_trailers(&map, RequestFraming::Chunked);
        assert_eq!(announced, ["x-sum", "x-sum-2"]);
        assert!(announced_trailers(&map, RequestFraming::Length).is_empty());
    }

    #[test]
    fn keep_alive_alone_goes_with_its_field() {
        let mut map = headers(&[
            ("connection", "Keep-Alive"),
            ("connection", "keep-alive"),
            ("keep-alive", "timeout=5"),
            ("x-one", "1"),
        ]);
        let present = Present::of(&map);
        response(&mut map, present);
        assert_eq!(names(&map), ["x-one"]);
    }

    #[test]
    fn connection_cannot_take_away_what_routes_or_frames() {
        let mut map = headers(&[
            ("connection", "host, content-length, via"),
            ("host", "a"),
            ("content-length", "1"),
            ("via", "1.1 x"),
        ]);
        as_sent(&mut map, RequestFraming::Length);
        assert_eq!(names(&map), ["content-length", "host", "via"]);
    }

    #[test]
    fn te_trailers_is_passed_on_as_a_hop_of_its_own() {
        let mut map = headers(&[("te", "deflate;q=0.5, trailers"), ("connection", "TE")]);
        as_sent(&mut map, RequestFraming::None);
        assert_eq!(map[header::TE], "trailers");
        assert_eq!(map[header::CONNECTION], "te");
    }

    #[test]
    fn a_chunked_body_stays_chunked() {
        let mut map = headers(&[("transfer-encoding", "Chunked")]);
        as_sent(&mut map, RequestFraming::Chunked);
        assert_eq!(map[header::TRANSFER_ENCODING], "chunked");
    }

    #[test]
    fn a_switch_is_to_what_was_offered_and_to_nothing_beside_it() {
        let offered = HeaderValue::from_static("websocket, other");
        for (values, taken) in [
            (&[&b"websocket"[..]][..], true),
            (&[b"WebSocket", b"other"], true),
            (&[b"websocket, h2c"], false),
            (&[b"webs\xf6cket", b"websocket"], false),
            (&[b"websocket", b"\xff"], false),
            (&[b""], false),
            (&[], false),
        ] {
            let value = |value: &&[u8]| (header::UPGRADE, HeaderValue::from_bytes(value).unwrap());
            let map: HeaderMap = values.iter().map(value).collect();
            assert_eq!(switches_as_offered(&map, &offered), taken, "{values:?}");
        }
    }

    #[test]
    fn our_own_name_is_found_in_any_via() {
        let own = Pseudonym::new(0xdead_beef);
        for (value, found) in [
            ("1.1 egret-deadbeef", true),
            ("1.0 fred, 1.1 EGRET-DEADBEEF (hello), 1.1 x", true),
            ("HTTP/1.1 \t egret-deadbeef", true),
            ("1.1 egret-deadbeee", false),
            ("egret-deadbeef 1.1", false),
            ("1.1 x (egret-deadbeef)", false),
        ] {
            assert_eq!(own.is_in(&headers(&[("via", value)])), found, "{value}");
        }
    }

    #[test]
    fn via_is_appended_with_the_version_received() {
        let own = Pseudonym::new(1);
        let mut map = headers(&[("via", "1.1 x")]);
        own.add_to(&mut map, false);
        let all: Vec<_> = map.get_all(header::VIA).iter().collect();
        assert_eq!(all, ["1.1 x", "1.0 egret-00000001"]);
    }
}
