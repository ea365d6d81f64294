//! Why a request got no answer from its upstream: one closed enum feeds the status, the body,
//! `Proxy-Status` (RFC 9209), the log and the metrics.

mod certificate;
mod text;
mod tls;
mod violation;

pub use certificate::CertificateFault;
pub use tls::{Alert, TlsFault};
pub use violation::Violation;

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
    /// No rule takes this destination and admits the peer.
    NoRule(String),
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
    /// This process has no descriptor left for a connection.
    NoDescriptors,
    /// TCP or TLS was not done in time.
    ConnectTimeout(Phase),
    /// The server's certificate did not verify.
    Certificate(Box<CertificateFault>),
    /// The server sent a TLS alert in the handshake that is not about our certificate.
    Alert(Alert),
    /// The server sent a TLS alert after it got our certificate.
    CertificateRefused(Alert),
    /// The server sent a TLS alert after it asked for our certificate and got none.
    CertificateMissing(Alert),
    /// The server closed right after it got our certificate, without an alert.
    ClosedAfterCertificate,
    /// The server closed right after it asked for our certificate and got none.
    ClosedWithoutCertificate,
    /// Another failure of TLS.
    Tls(TlsFault),
    /// The connection ended before a response came.
    Terminated,
    /// The connection ended in the middle of a response.
    Incomplete,
    /// The response breaks HTTP's rules.
    BadResponse(Violation),
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
    /// Too many handshakes were under way: too little time was left for this one, for which its
    /// upstream is not to blame.
    HandshakeWait,
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
            Self::PeerDenied(_) | Self::WebPage | Self::NoRule(_) | Self::TunnelDenied => 403,
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
            | Self::CertificateMissing(_)
            | Self::ClosedAfterCertificate
            | Self::ClosedWithoutCertificate
            | Self::Tls(_)
            | Self::Terminated
            | Self::Incomplete
            | Self::BadResponse(_) => 502,
            Self::DnsQueueFull
            | Self::NoDescriptors
            | Self::Busy { .. }
            | Self::WaitTimeout { .. }
            | Self::HandshakeWait
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
            | Self::NoRule(_)
            | Self::TunnelDenied
            | Self::ConnectOnRoute => "http_request_denied",
            Self::NoRoute => "destination_not_found",
            Self::Dns(_) => "dns_error",
            Self::DnsTimeout => "dns_timeout",
            Self::ConnectRefused(_) => "connection_refused",
            Self::Unroutable(_) | Self::ConnectFailed(_) => "destination_ip_unroutable",
            Self::ConnectTimeout(_) => "connection_timeout",
            Self::Certificate(_) => "tls_certificate_error",
            Self::Alert(_) | Self::CertificateRefused(_) | Self::CertificateMissing(_) => {
                "tls_alert_received"
            }
            Self::Tls(_) => "tls_protocol_error",
            Self::ClosedAfterCertificate | Self::ClosedWithoutCertificate | Self::Terminated => {
                "connection_terminated"
            }
            Self::Incomplete => "http_response_incomplete",
            Self::BadResponse(_) => "http_protocol_error",
            Self::Busy { .. }
            | Self::WaitTimeout { .. }
            | Self::HandshakeWait
            | Self::DnsQueueFull
            | Self::NoDescriptors => "connection_limit_reached",
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
            Self::NoRule(_) => "no_rule",
            Self::TunnelDenied => "tunnel_denied",
            Self::NoRoute => "no_route",
            Self::Dns(_) => "dns",
            Self::DnsTimeout => "dns_timeout",
            Self::DnsQueueFull => "dns_queue_full",
            Self::ConnectRefused(_) => "connect_refused",
            Self::Unroutable(_) => "unroutable",
            Self::ConnectFailed(_) => "connect_failed",
            Self::NoDescriptors => "no_descriptors",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::Certificate(_) => "server_certificate",
            Self::Alert(_) => "tls_alert",
            Self::CertificateRefused(_) => "certificate_refused",
            Self::CertificateMissing(_) => "certificate_missing",
            Self::ClosedAfterCertificate => "closed_after_certificate",
            Self::ClosedWithoutCertificate => "closed_without_certificate",
            Self::Tls(_) => "tls",
            Self::Terminated => "terminated",
            Self::Incomplete => "incomplete",
            Self::BadResponse(_) => "bad_response",
            Self::Busy { .. } => "busy",
            Self::WaitTimeout { .. } => "wait_timeout",
            Self::HandshakeWait => "handshake_wait",
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
            Self::HandshakeWait | Self::DnsQueueFull | Self::NoDescriptors => Some(1),
            Self::IdentityUnavailable(_) => Some(10),
            _ => None,
        }
    }

    /// Whether the fault is the client's: no reason to warn in the log.
    pub fn is_clients(&self) -> bool {
        self.status() < 500
    }

    /// Whether a probe can tell what to change, where that is not known here.
    fn wants_a_probe(&self) -> bool {
        matches!(
            self,
            Self::Alert(_)
                | Self::CertificateRefused(_)
                | Self::ClosedAfterCertificate
                | Self::Tls(_)
                | Self::ConnectTimeout(Phase::Tls)
        )
    }

    fn alert(&self) -> Option<Alert> {
        match self {
            Self::Alert(alert)
            | Self::CertificateRefused(alert)
            | Self::CertificateMissing(alert) => Some(*alert),
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
            "502 iot.example:8443: refused our certificate \"meter\": TLS alert unknown_ca; \
             run: egret probe https://iot.example:8443,identity=meter\n"
        );
        assert_eq!(
            refused.proxy_status(),
            "egret; error=tls_alert_received; alert-id=48; alert-message=\"unknown_ca\"; \
             details=\"iot.example:8443: refused our certificate \\\"meter\\\": TLS alert unknown_ca; \
             run: egret probe https://iot.example:8443,identity=meter\""
        );
    }

    #[test]
    fn an_alert_that_names_its_remedy_is_told_with_it() {
        let alert = |code, name| failure(Cause::Alert(Alert { code, name }), "meter").body();
        assert_eq!(
            alert(70, "protocol_version"),
            "502 iot.example:8443: ended the TLS handshake: TLS alert protocol_version; \
             it speaks another TLS version than tls= allows; \
             run: egret probe https://iot.example:8443,identity=meter\n"
        );
        assert!(alert(112, "unrecognized_name").contains("see sni=; run: "));
        assert!(alert(120, "no_application_protocol").contains("see alpn=; run: "));
        assert!(alert(40, "handshake_failure").contains("handshake_failure; run: "));
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
    fn a_clock_that_is_not_set_is_said_whatever_the_upstream_and_worth_another_try() {
        let unset = Failure::from(Cause::ClockNotSet);
        assert_eq!(
            unset.body(),
            "503 clock is not set; no certificate can be checked before it is (ntpd, chrony)\n"
        );
        assert_eq!(failure(Cause::ClockNotSet, "meter").body(), unset.body());
        assert!(
            unset
                .proxy_status()
                .starts_with("egret; error=proxy_configuration_error; ")
        );
        assert_eq!(unset.cause.retry_after(), Some(1));
    }

    #[test]
    fn details_are_a_structured_string_whatever_they_hold() {
        let odd = failure(Cause::Dns("caf\u{e9} \"x\" \\ \u{1}".into()), "none");
        assert!(odd.proxy_status().is_ascii());
        assert!(odd.proxy_status().contains("\\\"x\\\" \\\\ ?"));
    }
}
