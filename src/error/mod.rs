//! Why a request got no answer from its upstream: one closed enum feeds the status, the body,
//! `Proxy-Status` (RFC 9209), the log and the metrics.

mod certificate;
mod violation;

pub use certificate::CertificateFault;
pub use violation::Violation;

use std::fmt;
use std::time::Duration;

/// A cause, with what a person needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The request breaks HTTP's rules.
    Malformed(Violation),
    /// The client did not finish its head in time.
    HeaderTimeout(Duration),
    /// The client fell silent in the middle of its body.
    BodyTimeout(Duration),
    /// The body is over `--max-body`.
    BodyTooLarge(u64),
    /// `Expect` asks for something other than `100-continue`.
    Expectation,
    /// The target is not in origin-form.
    NotOriginForm,
    /// The path can be read in more than one way, where a path chooses the route.
    AmbiguousPath,
    /// The target holds a byte that cannot be sent on.
    TargetRefused,
    /// CONNECT on a route.
    ConnectOnRoute,
    /// A path where a forward listener wants an absolute URI.
    NotAbsoluteForm,
    /// An absolute URI that is neither http nor https.
    TargetScheme,
    /// The target names no host that can be reached; why.
    TargetAuthority(String),
    /// No `from=` or `uid=` of the route admits the peer.
    PeerDenied(String),
    /// A web page of another origin, or of a name that is not ours.
    WebPage,
    /// No rule takes the destination and admits the peer.
    NoRule,
    /// The rule permits no tunnel.
    TunnelDenied,
    /// No route of the listener takes the path.
    NoRoute,
    /// The name has no address.
    Dns(String),
    /// DNS did not answer in time.
    DnsTimeout,
    /// The queue of lookups is full.
    DnsQueueFull,
    /// The upstream refused the connection.
    ConnectRefused(String),
    /// No way to the upstream's address.
    Unroutable(String),
    /// The system failed to connect for another reason.
    ConnectFailed(String),
    /// TCP or TLS was not done in time.
    ConnectTimeout(Phase),
    /// The server's certificate did not verify.
    Certificate(CertificateFault),
    /// The server sent a TLS alert in the handshake that is not about our certificate.
    Alert(Alert),
    /// The server sent a TLS alert after it asked for our certificate.
    CertificateRefused(Alert),
    /// The server closed right after it asked for our certificate, without an alert.
    ClosedAfterCertificate,
    /// Another failure of TLS; what it was.
    Tls(String),
    /// The connection ended before a response came.
    Terminated,
    /// The connection ended in the middle of a response.
    Incomplete,
    /// The response breaks HTTP's rules.
    BadResponse(Violation),
    /// The response was not understood for another reason.
    NotHttp,
    /// All connections of the identity are busy and as many requests as may are waiting.
    Busy {
        /// `connections=`.
        connections: usize,
        /// `waiting=`.
        waiting: usize,
    },
    /// No connection became free in time.
    WaitTimeout {
        /// `connections=`.
        connections: usize,
        /// `--wait-timeout`.
        after: Duration,
    },
    /// The identity's files are missing or bad; why.
    IdentityUnavailable(String),
    /// The clock is before the build date.
    ClockNotSet,
    /// The head of the response, or its next piece, did not come in time.
    ResponseTimeout(Duration),
    /// The upstream did not take the request in time.
    WriteTimeout(Duration),
    /// The request has been here before.
    Loop,
}

/// How far a connection got when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
}

/// A TLS alert (RFC 8446 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// AlertDescription.
    pub code: u8,
    /// Its name in the RFC.
    pub name: &'static str,
}

/// A cause and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub cause: Cause,
    /// The upstream's authority, where there is one.
    pub upstream: Option<String>,
    /// The identity's name, where there is one.
    pub identity: Option<String>,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            upstream: None,
            identity: None,
        }
    }
}

impl From<Violation> for Cause {
    fn from(violation: Violation) -> Self {
        Self::Malformed(violation)
    }
}

impl Cause {
    /// The status of our answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(violation) => violation.status(),
            Self::NotOriginForm
            | Self::NotAbsoluteForm
            | Self::TargetScheme
            | Self::TargetAuthority(_)
            | Self::AmbiguousPath
            | Self::TargetRefused => 400,
            Self::PeerDenied(_) | Self::WebPage | Self::NoRule | Self::TunnelDenied => 403,
            Self::NoRoute => 404,
            Self::ConnectOnRoute => 405,
            Self::HeaderTimeout(_) | Self::BodyTimeout(_) => 408,
            Self::BodyTooLarge(_) => 413,
            Self::Expectation => 417,
            Self::Dns(_)
            | Self::ConnectRefused(_)
            | Self::Unroutable(_)
            | Self::ConnectFailed(_)
            | Self::Certificate(_)
            | Self::Alert(_)
            | Self::CertificateRefused(_)
            | Self::ClosedAfterCertificate
            | Self::Tls(_)
            | Self::Terminated
            | Self::Incomplete
            | Self::BadResponse(_)
            | Self::NotHttp => 502,
            Self::DnsQueueFull
            | Self::Busy { .. }
            | Self::WaitTimeout { .. }
            | Self::IdentityUnavailable(_)
            | Self::ClockNotSet => 503,
            Self::DnsTimeout
            | Self::ConnectTimeout(_)
            | Self::ResponseTimeout(_)
            | Self::WriteTimeout(_) => 504,
            Self::Loop => 508,
        }
    }

    /// The error type of RFC 9209 §2.3.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Malformed(_)
            | Self::NotOriginForm
            | Self::NotAbsoluteForm
            | Self::TargetScheme
            | Self::TargetAuthority(_)
            | Self::AmbiguousPath
            | Self::TargetRefused
            | Self::HeaderTimeout(_)
            | Self::BodyTimeout(_)
            | Self::BodyTooLarge(_)
            | Self::Expectation => "http_request_error",
            Self::PeerDenied(_)
            | Self::WebPage
            | Self::NoRule
            | Self::TunnelDenied
            | Self::ConnectOnRoute => "http_request_denied",
            Self::NoRoute => "destination_not_found",
            Self::Dns(_) => "dns_error",
            Self::DnsTimeout => "dns_timeout",
            Self::ConnectRefused(_) => "connection_refused",
            Self::Unroutable(_) | Self::ConnectFailed(_) => "destination_ip_unroutable",
            Self::ConnectTimeout(_) => "connection_timeout",
            Self::Certificate(_) => "tls_certificate_error",
            Self::Alert(_) | Self::CertificateRefused(_) => "tls_alert_received",
            Self::Tls(_) => "tls_protocol_error",
            Self::ClosedAfterCertificate | Self::Terminated => "connection_terminated",
            Self::Incomplete => "http_response_incomplete",
            Self::BadResponse(_) | Self::NotHttp => "http_protocol_error",
            Self::Busy { .. } | Self::WaitTimeout { .. } | Self::DnsQueueFull => {
                "connection_limit_reached"
            }
            Self::IdentityUnavailable(_) | Self::ClockNotSet => "proxy_configuration_error",
            Self::ResponseTimeout(_) => "http_response_timeout",
            Self::WriteTimeout(_) => "connection_write_timeout",
            Self::Loop => "proxy_loop_detected",
        }
    }

    /// A name for logs and metrics that never changes.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_request",
            Self::HeaderTimeout(_) => "header_timeout",
            Self::BodyTimeout(_) => "body_timeout",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::Expectation => "expectation",
            Self::NotOriginForm => "not_origin_form",
            Self::AmbiguousPath => "ambiguous_path",
            Self::TargetRefused => "target_refused",
            Self::ConnectOnRoute => "connect_on_route",
            Self::NotAbsoluteForm => "not_absolute_form",
            Self::TargetScheme => "target_scheme",
            Self::TargetAuthority(_) => "target_authority",
            Self::PeerDenied(_) => "peer_denied",
            Self::WebPage => "web_page",
            Self::NoRule => "no_rule",
            Self::TunnelDenied => "tunnel_denied",
            Self::NoRoute => "no_route",
            Self::Dns(_) => "dns",
            Self::DnsTimeout => "dns_timeout",
            Self::DnsQueueFull => "dns_queue_full",
            Self::ConnectRefused(_) => "connect_refused",
            Self::Unroutable(_) => "unroutable",
            Self::ConnectFailed(_) => "connect_failed",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::Certificate(_) => "server_certificate",
            Self::Alert(_) => "tls_alert",
            Self::CertificateRefused(_) => "certificate_refused",
            Self::ClosedAfterCertificate => "closed_after_certificate",
            Self::Tls(_) => "tls",
            Self::Terminated => "terminated",
            Self::Incomplete => "incomplete",
            Self::BadResponse(_) => "bad_response",
            Self::NotHttp => "not_http",
            Self::Busy { .. } => "busy",
            Self::WaitTimeout { .. } => "wait_timeout",
            Self::IdentityUnavailable(_) => "identity_unavailable",
            Self::ClockNotSet => "clock_not_set",
            Self::ResponseTimeout(_) => "response_timeout",
            Self::WriteTimeout(_) => "write_timeout",
            Self::Loop => "loop",
        }
    }

    /// `Retry-After`, in seconds, where waiting helps.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::ClockNotSet | Self::Busy { .. } | Self::WaitTimeout { .. } => Some(1),
            Self::DnsQueueFull => Some(1),
            Self::IdentityUnavailable(_) => Some(10),
            _ => None,
        }
    }

    /// Whether the fault is the client's: no reason to warn in the log.
    pub fn is_clients(&self) -> bool {
        self.status() < 500
    }

    fn alert(&self) -> Option<Alert> {
        match self {
            Self::Alert(alert) | Self::CertificateRefused(alert) => Some(*alert),
            _ => None,
        }
    }
}

impl Failure {
    /// The value of `Proxy-Status` (RFC 9209), without `details`' secrets: there are none.
    pub fn proxy_status(&self) -> String {
        let mut value = format!("egret; error={}", self.cause.error_type());
        if let Some(alert) = self.cause.alert() {
            value += &format!(
                "; alert-id={}; alert-message=\"{}\"",
                alert.code, alert.name
            );
        }
        value += "; details=\"";
        // An sf-string holds visible ASCII and spaces only (RFC 8941 §3.3.3).
        for byte in self.to_string().bytes() {
            match byte {
                b'"' | b'\\' => value.extend(['\\', char::from(byte)]),
                0x20..0x7f => value.push(char::from(byte)),
                _ => value.push('?'),
            }
        }
        value.push('"');
        value
    }

    /// The body of our answer, one line.
    pub fn body(&self) -> String {
        format!("{} {self}\n", self.cause.status())
    }

    fn quoted_identity(&self) -> String {
        match &self.identity {
            Some(name) => format!("{name:?}"),
            None => String::from("\"none\""),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            // These are about an identity whatever the upstream is, and the next about neither.
            Cause::Busy { .. } | Cause::WaitTimeout { .. } | Cause::IdentityUnavailable(_) => {
                write!(f, "identity {}: ", self.quoted_identity())?
            }
            cause if cause.is_clients() => {}
            _ => {
                if let Some(upstream) = &self.upstream {
                    write!(f, "{upstream}: ")?;
                }
            }
        }
        let identity = self.quoted_identity();
        match &self.cause {
            Cause::Malformed(violation) => write!(f, "{violation}"),
            Cause::HeaderTimeout(after) => {
                write!(f, "the request's head was not complete after {after:?}; send it in one go or raise --header-timeout")
            }
            Cause::BodyTimeout(after) => {
                write!(f, "the client sent nothing more of its body for {after:?}; send it or raise --idle-timeout")
            }
            Cause::BodyTooLarge(limit) => {
                write!(f, "the body is over {limit} bytes; send less or raise --max-body")
            }
            Cause::Expectation => f.write_str("only \"Expect: 100-continue\" is known; leave the field out"),
            Cause::NotOriginForm => f.write_str("this listener takes requests for a path (GET /x HTTP/1.1), it is not a forward proxy; send them to its address without a proxy setting"),
            Cause::AmbiguousPath => f.write_str("dot segments, backslashes and encoded slashes are not taken where the path chooses the route; send the plain path"),
            Cause::TargetRefused => f.write_str("the target holds a character that RFC 3986 forbids; percent-encode it"),
            Cause::ConnectOnRoute => f.write_str("CONNECT is for a forward proxy, and an identity cannot be added inside a tunnel; send the request to this listener as plain http://"),
            Cause::NotAbsoluteForm => f.write_str("this is a forward proxy: send http://HOST/PATH as the target, as programs do when http_proxy is set to this address"),
            Cause::TargetScheme => f.write_str("the target must begin with http:// or https://"),
            Cause::TargetAuthority(why) => write!(f, "the target names no host that can be reached: {why}"),
            Cause::PeerDenied(peer) => write!(f, "{peer} is not admitted here; add it to from= or uid= of the option"),
            Cause::WebPage => f.write_str("web pages may not use this listener: a browser sent this for another origin, or by a name that is not an address or localhost; origins=any on the route permits it"),
            Cause::NoRule => f.write_str("no --forward rule takes this destination from this peer; add one with to="),
            Cause::TunnelDenied => f.write_str("CONNECT is not permitted: no identity can be added inside a tunnel; send the request as http:// and egret speaks TLS for it, or permit the tunnel with tunnel=on"),
            Cause::NoRoute => f.write_str("no route of this listener takes the path; see path= of its routes"),
            Cause::Dns(why) => write!(f, "the name was not found: {why}; check its spelling and the device's DNS"),
            Cause::DnsTimeout => f.write_str("DNS did not answer in time; check the device's DNS servers"),
            Cause::DnsQueueFull => f.write_str("too many names are being looked up; DNS may be down"),
            Cause::ConnectRefused(address) => write!(f, "{address} refused the connection; nothing listens on that port, or a firewall says no"),
            Cause::Unroutable(why) => write!(f, "no way to the address: {why}; check the device's network"),
            Cause::ConnectFailed(why) => write!(f, "connecting failed: {why}"),
            Cause::ConnectTimeout(Phase::Tcp) => f.write_str("no TCP connection in time; the server is down or a firewall drops packets (--connect-timeout)"),
            Cause::ConnectTimeout(Phase::Tls) => f.write_str("the TLS handshake did not finish in time; does the port speak TLS? (--connect-timeout)"),
            Cause::Certificate(fault) => write!(f, "its certificate is not trusted: {fault}"),
            Cause::Alert(alert) => write!(f, "ended the TLS handshake: TLS alert {}", alert.name),
            Cause::CertificateRefused(alert) if self.identity.as_deref() == Some("none") || self.identity.is_none() => {
                write!(f, "asked for a client certificate and got none: TLS alert {}; give the route an identity= with cert=", alert.name)
            }
            Cause::CertificateRefused(alert) => write!(f, "refused our certificate {identity}: TLS alert {}", alert.name),
            Cause::ClosedAfterCertificate => write!(f, "closed right after our certificate {identity}; it probably refused it"),
            Cause::Tls(why) => write!(f, "TLS failed: {why}"),
            Cause::Terminated => f.write_str("closed the connection before it answered"),
            Cause::Incomplete => f.write_str("closed the connection in the middle of its answer"),
            Cause::BadResponse(violation) => write!(f, "its answer is not proper HTTP: {violation}"),
            Cause::NotHttp => f.write_str("its answer is not HTTP/1.1"),
            Cause::Busy { connections, waiting } => {
                write!(f, "all {connections} connections busy and {waiting} requests waiting")
            }
            Cause::WaitTimeout { connections, after } => {
                write!(f, "all {connections} connections busy for {after:?}; raise connections= or --wait-timeout")
            }
            Cause::IdentityUnavailable(why) => f.write_str(why),
            Cause::ClockNotSet => f.write_str("clock is not set; no certificate can be checked before it is (ntpd, chrony)"),
            Cause::ResponseTimeout(after) => write!(f, "no answer for {after:?} (--response-timeout)"),
            Cause::WriteTimeout(after) => write!(f, "did not take the request for {after:?} (--response-timeout)"),
            Cause::Loop => f.write_str("this request leads back to this egret, by Via or by address; correct to= or the target"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(cause: Cause, identity: &str) -> Failure {
        Failure {
            cause,
            upstream: Some("iot.example:8443".into()),
            identity: Some(identity.into()),
        }
    }

    #[test]
    fn a_refused_certificate_is_told_by_name_and_alert() {
        let refused = failure(
            Cause::CertificateRefused(Alert {
                code: 48,
                name: "unknown_ca",
            }),
            "meter",
        );
        assert_eq!(
            refused.body(),
            "502 iot.example:8443: refused our certificate \"meter\": TLS alert unknown_ca\n"
        );
        assert_eq!(
            refused.proxy_status(),
            "egret; error=tls_alert_received; alert-id=48; alert-message=\"unknown_ca\"; \
             details=\"iot.example:8443: refused our certificate \\\"meter\\\": TLS alert unknown_ca\""
        );
    }

    #[test]
    fn a_full_identity_says_how_full() {
        let busy = failure(
            Cause::Busy {
                connections: 8,
                waiting: 32,
            },
            "meter",
        );
        assert_eq!(
            busy.body(),
            "503 identity \"meter\": all 8 connections busy and 32 requests waiting\n"
        );
    }

    #[test]
    fn details_are_a_structured_string_whatever_they_hold() {
        let odd = failure(Cause::Dns("caf\u{e9} \"x\" \\ \u{1}".into()), "none");
        assert!(odd.proxy_status().is_ascii());
        assert!(odd.proxy_status().contains("\\\"x\\\" \\\\ ?"));
    }
}
