//! What is said of a failure: one line that a person can act on.

use std::fmt;

use super::{Cause, Failure, Phase};

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(f)?;
        match &self.upstream {
            Some(upstream) if self.cause.wants_a_probe() => {
                let identity = self.identity.as_deref().unwrap_or("none");
                write!(
                    f,
                    "; run: egret probe https://{upstream},identity={identity}"
                )
            }
            _ => Ok(()),
        }
    }
}

impl Failure {
    fn tell(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            // These are about an identity whatever the upstream is, and the next about neither.
            Cause::Busy { .. }
            | Cause::WaitTimeout { .. }
            | Cause::HandshakeWait
            | Cause::IdentityUnavailable(_) => write!(f, "identity {}: ", self.quoted_identity())?,
            Cause::ClockNotSet => {}
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
            Cause::PeerDenied(peer) => {
                let key = if peer.starts_with("uid ") { "uid=" } else { "from=" };
                write!(f, "{peer} is not admitted here; add it to {key} of the option")
            }
            Cause::WebPage => f.write_str("web pages may not use this listener: a browser sent this for another origin, or by a name that is not an address or localhost; origins=any on the route permits it"),
            Cause::NoRule(to) => write!(f, "no --forward rule takes {to} from this peer; add one with to="),
            Cause::TunnelDenied => f.write_str("CONNECT is not permitted: no identity can be added inside a tunnel; send the request as http:// and egret speaks TLS for it, or permit the tunnel with tunnel=on"),
            Cause::NoRoute => f.write_str("no route of this listener takes the path; see path= of its routes"),
            Cause::Dns(why) => write!(f, "the name was not found: {why}"),
            Cause::NoDescriptors => f.write_str("this egret has no descriptor left for a connection; raise ulimit -n, or lower --max-clients and connections="),
            Cause::Unroutable(why) | Cause::ConnectFailed(why) => f.write_str(why),
            Cause::DnsTimeout => f.write_str("DNS did not answer in time; check the device's DNS servers"),
            Cause::DnsQueueFull => f.write_str("too many names are being looked up; DNS may be down"),
            Cause::ConnectRefused(address) => write!(f, "{address} refused the connection; nothing listens on that port, or a firewall says no"),
            Cause::ConnectTimeout(Phase::Tcp) => f.write_str("no TCP connection in time; the server is down or a firewall drops packets (--connect-timeout)"),
            Cause::ConnectTimeout(Phase::Tls) => f.write_str("the TLS handshake did not finish in time (--connect-timeout); check that the port speaks TLS"),
            Cause::Certificate(fault) => write!(f, "its certificate is not trusted: {fault}"),
            Cause::Alert(alert) => write!(f, "ended the TLS handshake: TLS alert {}{}", alert.name, alert.remedy()),
            Cause::CertificateMissing(alert) => {
                write!(f, "asked for a client certificate and identity {identity} sent none: TLS alert {}; use an identity whose cert= the server takes", alert.name)
            }
            Cause::CertificateRefused(alert) => write!(f, "refused our certificate {identity}: TLS alert {}", alert.name),
            Cause::ClosedAfterCertificate => write!(f, "closed right after our certificate {identity}; it probably refused it"),
            Cause::ClosedWithoutCertificate => write!(f, "asked for a client certificate, got none from identity {identity} and closed; use an identity whose cert= the server takes"),
            Cause::Tls(why) => write!(f, "TLS failed: {why}"),
            Cause::Terminated => f.write_str("closed the connection before it answered"),
            Cause::Incomplete => f.write_str("closed the connection in the middle of its answer"),
            Cause::BadResponse(violation) => write!(f, "its answer is not proper HTTP: {violation}"),
            Cause::Busy { connections, waiting } => {
                write!(f, "all {connections} connections busy and {waiting} requests waiting")
            }
            Cause::WaitTimeout { connections, after } => {
                write!(f, "all {connections} connections busy for {after:?}; raise connections= or --wait-timeout")
            }
            Cause::HandshakeWait => f.write_str("no room for a TLS handshake in time (--connect-timeout): those under way do not end; find the upstream that hangs with egret probe"),
            Cause::IdentityUnavailable(why) => f.write_str(why),
            Cause::ClockNotSet => f.write_str("clock is not set; no certificate can be checked before it is (ntpd, chrony)"),
            Cause::ResponseTimeout(after) => write!(f, "no answer for {after:?} (--response-timeout)"),
            Cause::WriteTimeout(after) => write!(f, "did not take the request for {after:?} (--response-timeout)"),
            Cause::Loop => f.write_str("this request leads back to this egret, by Via or by address; correct to= or the target"),
        }
    }
}
