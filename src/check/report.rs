//! What would run, for people: aligned, within 80 columns unless a name or a URL is longer.

use std::fmt;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::date_warning;
use super::memory::worst_case;
use crate::config::{
    Anchors, Bound, Cidr, Config, ForwardId, HostHeader, IdentityConfig, Listen, ListenerConfig,
    RouteConfig, RouteId, Serves, SocketAccess,
};
use crate::identity::Epoch;
use crate::identity::pem::Crls;
use crate::identity::x509::{self, Summary};
use crate::limits;

/// What would run with options and files that are good.
pub struct Report<'a> {
    config: &'a Config,
    identities: Vec<(&'a IdentityConfig, Rc<Epoch>)>,
    now: Option<SystemTime>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        config: &'a Config,
        identities: Vec<(&'a IdentityConfig, Rc<Epoch>)>,
        now: Option<SystemTime>,
    ) -> Self {
        Self {
            config,
            identities,
            now,
        }
    }

    /// What is good enough to start and should be put right, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.now.is_none()
            && self
                .identities
                .iter()
                .any(|(_, epoch)| epoch.certificate().is_some())
        {
            warnings.push(String::from(
                "the clock is not set, so no date was checked; set it and run check again",
            ));
        }
        for (identity, epoch) in &self.identities {
            let certificate = epoch.certificate();
            let dates = certificate.and_then(|certificate| date_warning(certificate, self.now));
            let dates = dates.map(|dates| dates.to_string());
            let unused = (!self.is_used(identity))
                .then(|| String::from("no route uses it; add identity= to one, or leave it out"));
            let files = epoch.material().warnings().map(ToString::to_string);
            let all = files.chain(dates).chain(unused);
            warnings.extend(all.map(|text| format!("identity {:?}: {text}", identity.name)));
        }
        warnings
    }

    fn is_used(&self, identity: &IdentityConfig) -> bool {
        let mut all = self.config.identities();
        all.any(|(id, one)| one.name == identity.name && self.config.is_used(id))
    }

    /// Roots held, those of `--ca` once.
    fn roots(&self) -> usize {
        let of = |own: bool| {
            let with = move |(identity, _): &&(&IdentityConfig, _)| {
                (identity.anchors != Anchors::Default) == own
            };
            self.identities
                .iter()
                .filter(with)
                .map(|(_, epoch)| epoch.roots())
        };
        of(true).sum::<usize>() + of(false).next().unwrap_or(0)
    }

    /// Bytes of revocation lists held.
    fn crls(&self) -> usize {
        let epochs = self.identities.iter().map(|(_, epoch)| epoch);
        epochs.map(|epoch| epoch.material().crls.bytes()).sum()
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Listeners and routes")?;
        for listener in &self.config.listeners {
            self.listener(f, listener)?;
        }
        self.admin(f)?;
        writeln!(f, "\nIdentities")?;
        for (identity, epoch) in &self.identities {
            self.identity(f, identity, epoch)?;
        }
        self.limits(f)?;
        self.memory(f)
    }
}

impl Report<'_> {
    fn listener(&self, f: &mut fmt::Formatter<'_>, listener: &ListenerConfig) -> fmt::Result {
        place(f, &listener.listen, &listener.access, listener.clients)?;
        match &listener.serves {
            Serves::Routes(ids) => ids.iter().try_for_each(|id| self.route(f, *id)),
            Serves::Forwards(ids) => ids.iter().try_for_each(|id| self.rule(f, *id)),
        }
    }

    fn admin(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(admin) = &self.config.admin else {
            return Ok(());
        };
        place(f, &admin.listen, &admin.access, limits::ADMIN_CLIENTS)?;
        writeln!(f, "    --admin: metrics, health, the status page")?;
        match admitted(&admin.from, &admin.uid) {
            Some(peers) => writeln!(f, "      {peers}"),
            None => Ok(()),
        }
    }

    fn route(&self, f: &mut fmt::Formatter<'_>, id: RouteId) -> fmt::Result {
        let route = self.config.route(id);
        let identity = &self.config.identity(route.identity).name;
        let path = route.path.as_deref().unwrap_or("every path");
        writeln!(f, "    {path} to {} as {identity}", route.to)?;
        for line in particulars(route) {
            writeln!(f, "      {line}")?;
        }
        Ok(())
    }

    fn rule(&self, f: &mut fmt::Formatter<'_>, id: ForwardId) -> fmt::Result {
        let rule = self.config.forward(id);
        let identity = &self.config.identity(rule.identity).name;
        let tunnel = if rule.tunnel {
            ", CONNECT permitted"
        } else {
            ""
        };
        writeln!(f, "    forward to {} as {identity}{tunnel}", rule.to)?;
        if let Some(peers) = admitted(&rule.from, &rule.uid) {
            writeln!(f, "      {peers}")?;
        }
        Ok(())
    }

    fn identity(
        &self,
        f: &mut fmt::Formatter<'_>,
        identity: &IdentityConfig,
        epoch: &Epoch,
    ) -> fmt::Result {
        writeln!(f, "  {}", identity.name)?;
        match epoch.certificate() {
            None => writeln!(f, "    no client certificate")?,
            Some(certificate) => self.certificate(f, certificate)?,
        }
        self.trust(f, identity, epoch)?;
        writeln!(f, "    TLS          {}", tls(identity))?;
        let connections = counted(identity.connections, "connection");
        let waiting = counted(identity.waiting, "request");
        writeln!(f, "    at most      {connections}, {waiting} waiting")
    }

    fn trust(
        &self,
        f: &mut fmt::Formatter<'_>,
        identity: &IdentityConfig,
        epoch: &Epoch,
    ) -> fmt::Result {
        let keys = counted(identity.pins.len(), "pinned key");
        let file = match &identity.anchors {
            Anchors::Pins => return writeln!(f, "    trusts       {keys}, and no roots"),
            Anchors::File(file) => Some(file),
            Anchors::Default => self.config.ca.as_ref(),
        };
        let place = match file {
            Some(file) => format!("in {}", file.display()),
            None => String::from("of the system"),
        };
        let roots = counted(epoch.roots(), "root");
        writeln!(f, "    trusts       {roots} {place}")?;
        if !identity.pins.is_empty() {
            writeln!(f, "    and only     {keys}")?;
        }
        revoked(f, &epoch.material().crls)
    }

    fn certificate(&self, f: &mut fmt::Formatter<'_>, certificate: &Summary) -> fmt::Result {
        writeln!(f, "    certificate  {}", name_of(&certificate.subject))?;
        writeln!(f, "    issued by    {}", name_of(&certificate.issuer))?;
        writeln!(f, "    valid        {}", self.validity(certificate))?;
        writeln!(f, "    key          {}", certificate.key)
    }

    fn validity(&self, certificate: &Summary) -> String {
        let dates = format!(
            "{} to {}",
            x509::utc(certificate.not_before),
            x509::utc(certificate.not_after)
        );
        let since = self.now.and_then(|now| now.duration_since(UNIX_EPOCH).ok());
        let now = since.and_then(|since| i64::try_from(since.as_secs()).ok());
        match now {
            Some(now) => format!(
                "{dates}, ends {}",
                x509::relative(certificate.not_after, now)
            ),
            None => dates,
        }
    }

    fn limits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = &self.config.limits;
        let timeouts = &self.config.timeouts;
        let size = |size| Bound::Size(size).to_string();
        let time = |time: Duration| Bound::Time(time).to_string();
        writeln!(f, "\nLimits and timeouts")?;
        for (option, value, what) in [
            (
                "--max-header",
                size(limits.header as u64),
                "a request's head",
            ),
            (
                "--max-body",
                limits.body.map_or(String::from("none"), size),
                "a request's body",
            ),
            (
                "--connect-timeout",
                time(timeouts.connect),
                "DNS, TCP and TLS together",
            ),
            (
                "--header-timeout",
                time(timeouts.header),
                "a client's head, first byte to last",
            ),
            (
                "--wait-timeout",
                time(timeouts.wait),
                "for a free upstream connection",
            ),
            (
                "--response-timeout",
                time(timeouts.response),
                "for a response, and between its pieces",
            ),
            ("--idle-timeout", time(timeouts.idle), "a silent client"),
            (
                "--upstream-idle",
                time(timeouts.upstream_idle),
                "an unused upstream connection",
            ),
            (
                "--tunnel-idle",
                time(timeouts.tunnel),
                "a silent tunnel or upgrade",
            ),
            (
                "--drain-timeout",
                time(timeouts.drain),
                "requests in flight at a stop",
            ),
        ] {
            writeln!(f, "  {option:<18} {value:>6}  {what}")?;
        }
        Ok(())
    }

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = worst_case(self.config, self.roots(), self.crls());
        writeln!(f, "\nMemory at worst, whatever clients and upstreams do")?;
        for line in &lines {
            writeln!(
                f,
                "  {:<24} {:>5} x {:>9} = {:>10}",
                line.what,
                line.capacity,
                Bytes(line.each).to_string(),
                Bytes(line.bytes()).to_string()
            )?;
        }
        let all = lines.iter().map(super::Line::bytes).sum();
        writeln!(f, "  {:<44} {:>10}", "all together", Bytes(all).to_string())
    }
}

/// Where something listens, and how many may come.
fn place(
    f: &mut fmt::Formatter<'_>,
    listen: &Listen,
    access: &SocketAccess,
    clients: usize,
) -> fmt::Result {
    let place = match listen {
        Listen::Loopback(port) => format!("port {port} of 127.0.0.1 and ::1"),
        other => other.to_string(),
    };
    writeln!(f, "  {place}, at most {}", counted(clients, "client"))?;
    if let (Listen::Unix(_), SocketAccess { mode, group }) = (listen, access) {
        let group = group.as_deref().unwrap_or("as we have");
        writeln!(f, "    mode {mode:04o}, group {group}")?;
    }
    Ok(())
}

fn revoked(f: &mut fmt::Formatter<'_>, crls: &Crls) -> fmt::Result {
    let ends = crls.iter().filter_map(|crl| crl.summary.next_update);
    let Some(first) = ends.min() else {
        return Ok(());
    };
    let revoked = crls.iter().map(|crl| crl.revoked).sum();
    let revoked = counted(revoked, "certificate");
    let lists = counted(crls.iter().count(), "list");
    let until = x509::utc(first);
    writeln!(
        f,
        "    less         {revoked} revoked by {lists}, until {until}"
    )
}

/// What a route does in another way than most.
fn particulars(route: &RouteConfig) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(path), true) = (&route.path, route.strip) {
        lines.push(format!("{path} is taken off"));
    }
    match (route.server_name(), &route.sni) {
        (None, _) => lines.push(String::from("no SNI, since the upstream is an address")),
        (Some(sni), Some(_)) => lines.push(format!("SNI {sni}")),
        (Some(_), None) => {}
    }
    let verified = route.verified_name();
    if verified != route.to.host {
        lines.push(format!("the server must be {verified}"));
    }
    match &route.host {
        HostHeader::Url => {}
        HostHeader::Keep => lines.push(String::from("Host as the client sent it")),
        HostHeader::Name(name) => lines.push(format!("Host {name}")),
    }
    if let Some(time) = route.response_timeout {
        lines.push(format!("response timeout {}", Bound::Time(time)));
    }
    if route.keep_redirects {
        lines.push(String::from("redirects are left as they are"));
    }
    if !route.via {
        lines.push(String::from("no Via"));
    }
    if route.any_origin {
        lines.push(String::from("web pages of any origin may use it"));
    }
    lines.extend(admitted(&route.from, &route.uid));
    lines
}

/// Who may use a route or a rule, where that is not everybody who can connect.
fn admitted(from: &[Cidr], uid: &[u32]) -> Option<String> {
    let ranges = from.iter().map(ToString::to_string);
    let users = uid.iter().map(|uid| format!("uid {uid}"));
    let peers: Vec<_> = ranges.chain(users).collect();
    (!peers.is_empty()).then(|| format!("for clients from {}", peers.join(", ")))
}

fn tls(identity: &IdentityConfig) -> String {
    let alpn = match &identity.alpn {
        Some(alpn) => format!("ALPN {alpn}"),
        None => String::from("no ALPN"),
    };
    let sessions = match identity.sessions {
        0 => String::from("no sessions kept"),
        count => format!("sessions of {}", counted(count, "upstream")),
    };
    format!("{}, {alpn}, {sessions}", identity.versions)
}

fn name_of(name: &str) -> &str {
    match name {
        "" => "(no name)",
        name => name,
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// An amount of memory, to three digits.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: usize = 1024;
        let (unit, name) = match self.0 {
            bytes if bytes < KIB => return write!(f, "{bytes} B"),
            bytes if bytes < KIB * KIB => (KIB, "KiB"),
            _ => (KIB * KIB, "MiB"),
        };
        // A worst case is never shown smaller than it is.
        let tenths = (self.0 * 10).div_ceil(unit);
        match tenths {
            1000.. => write!(f, "{} {name}", self.0.div_ceil(unit)),
            _ => write!(f, "{}.{} {name}", tenths / 10, tenths % 10),
        }
    }
}
