//! The cloud of the bench: nginx, which insists on a client certificate and speaks TLS 1.3 with
//! AES-128-GCM and nothing else, so that all proxies encrypt alike.

use crate::peers::cloud::Cloud;
use crate::peers::nginx::{Nginx, Run};

/// What is asked for when nothing else is said.
pub const SMALL: &str = r#"{"device":"meter-7","accepted":true}"#;

/// The cloud, and the certificate that it takes.
pub struct Site {
    pub cloud: Cloud,
    /// What `--identity` says of the certificate, without a name.
    pub certificate: String,
    _nginx: Nginx,
}

impl Site {
    pub fn start() -> Self {
        let cloud = Cloud::new();
        let identity = cloud.identity("client");
        let nginx = Nginx::start_as(&http(&cloud), Run::default());
        Self {
            certificate: identity.trim_start_matches("client,").to_owned(),
            cloud,
            _nginx: nginx,
        }
    }
}

fn http(cloud: &Cloud) -> String {
    let tls = cloud.tls().replace("optional;", "on;");
    format!(
        "ssl_protocols TLSv1.3;
         ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
         keepalive_requests 10000000;
         keepalive_timeout 600s;
         server {{
             {tls}
             location / {{ default_type application/json; return 200 '{SMALL}'; }}
         }}"
    )
}
