//! What the stand-in cloud does: it asks for a client certificate, answers 403 without one, and says
//! what it saw.

use std::path::Path;
use std::{fs, io};

use crate::support::certs::{Leaf, parse_certs};
use crate::support::upstream::{Builder, ClientAuth, Reply, Seen, Upstream};

/// A path after whose answer the cloud closes the connection, as any server does at times.
pub const GOODBYE: &str = "/goodbye";

/// The cloud, with the certificates of that folder.
///
/// # Errors
/// A file cannot be read.
pub fn cloud(certs: &Path) -> io::Result<Builder> {
    let leaf = Leaf::load(&certs.join("server.crt"), &certs.join("server.key"))?;
    let devices = parse_certs(&fs::read_to_string(certs.join("client-ca.crt"))?);
    let builder = Upstream::builder(&leaf).client_auth(ClientAuth::Requested(devices));
    Ok(builder.alpn(&["http/1.1"]).handler(answer))
}

fn answer(seen: &Seen) -> Reply {
    let status = if seen.client_subject.is_some() {
        200
    } else {
        403
    };
    let reply = Reply::json(status, seen);
    if seen.target == GOODBYE {
        reply.close()
    } else {
        reply
    }
}
