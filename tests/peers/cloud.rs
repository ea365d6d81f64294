//! nginx as the cloud: asks for client certificates and echoes what it saw.

use super::nginx::Nginx;
use super::port::Port;
use crate::support::certs::{Ca, Dir, Leaf};

/// What nginx saw of a request, as JSON and under nginx's own names.
const ECHO: &str = r#"{"subject":"$ssl_client_s_dn","verified":"$ssl_client_verify","sni":"$ssl_server_name","session":"$ssl_session_reused","protocol":"$ssl_protocol","connection":"$connection","requests":"$connection_requests","host":"$http_host","method":"$request_method","uri":"$request_uri","version":"$server_protocol","via":"$http_via"}"#;

/// Authorities, a port, and the files of a cloud that trusts one and is certified by the other.
pub struct Cloud {
    /// Certifies servers.
    pub servers: Ca,
    /// Certifies clients.
    pub clients: Ca,
    /// Certificates and keys.
    pub dir: Dir,
    /// Where it listens.
    pub port: Port,
}

impl Cloud {
    /// A cloud whose certificate is for `localhost` and `127.0.0.1`.
    pub fn new() -> Self {
        let cloud = Self {
            servers: Ca::new("servers"),
            clients: Ca::new("clients"),
            dir: Dir::new(),
            port: Port::reserve(),
        };
        cloud.dir.ca("servers", &cloud.servers);
        cloud.dir.ca("clients", &cloud.clients);
        let server = cloud.servers.server(&["localhost", "127.0.0.1"]);
        cloud.write("server", &server);
        cloud
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub fn write(&self, name: &str, leaf: &Leaf) {
        self.dir.identity(name, leaf);
    }

    /// Makes a client certificate `CN=name`; gives what `--identity` says of it.
    pub fn identity(&self, name: &str) -> String {
        self.dir.identity(name, &self.clients.client(name))
    }

    /// The roots that clients of this cloud trust, for `--ca`.
    pub fn ca(&self) -> String {
        self.path("servers.crt")
    }

    /// A file of its folder.
    pub fn path(&self, file: &str) -> String {
        self.dir.file(file).display().to_string()
    }

    /// What `--route` says of it: `to=URL,identity=NAME`.
    pub fn to(&self, identity: &str) -> String {
        format!("to={},identity={identity}", self.port.url())
    }

    /// What nginx' `server {}` says of TLS and of client certificates: optional ones of `clients`.
    pub fn tls(&self) -> String {
        self.tls_at(&self.port)
    }

    /// [`Cloud::tls`] on another port.
    pub fn tls_at(&self, port: &Port) -> String {
        let (server, key) = (self.path("server.crt"), self.path("server.key"));
        let clients = self.path("clients.crt");
        format!(
            "listen {port} ssl;
             server_name localhost;
             ssl_certificate {server};
             ssl_certificate_key {key};
             ssl_client_certificate {clients};
             ssl_verify_client optional;"
        )
    }

    /// The `server {}` of [`Cloud::tls`] with these directives in it, that echoes. TLS 1.3 has to
    /// be said: nginx below 1.23.4 leaves it off.
    pub fn server(&self, more: &str) -> String {
        format!(
            "ssl_protocols TLSv1.2 TLSv1.3;
             log_format seen '$status $ssl_session_reused $connection $connection_requests \
                 $request_method $request_uri $ssl_client_s_dn';
             server {{ {} access_log /dev/stdout seen; {more} {} }}",
            self.tls(),
            echo()
        )
    }

    /// Starts [`Cloud::server`].
    pub fn start(&self, more: &str) -> Nginx {
        Nginx::start(&self.server(more))
    }
}

/// The `location /` that echoes.
pub fn echo() -> String {
    format!("location / {{ default_type application/json; return 200 '{ECHO}'; }}")
}
