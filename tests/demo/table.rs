//! The demo's table: a row for each answer, and whether the answer is what it must be.

use std::fmt::{self, Display};
use std::net::SocketAddr;

use crate::support::client::Response;

/// How a request must arrive at the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// On a new connection, by a full handshake.
    Full,
    /// On the connection of the request before.
    Reused,
    /// On a new connection, by resuming a session.
    Resumed,
}

/// One listener of egret, and what the cloud must see of it.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    pub address: SocketAddr,
    pub identity: &'static str,
    /// Subject of its certificate.
    pub subject: Option<&'static str>,
}

/// One answer of the cloud.
#[derive(Debug)]
pub struct Row {
    listener: Listener,
    status: u16,
    subject: Option<String>,
    protocol: String,
    resumed: bool,
    connection: String,
    request: String,
    fault: Option<String>,
}

impl Row {
    /// From a response; the rows before it tell whether it may have come on its connection.
    pub fn new(
        listener: Listener,
        expected: Expected,
        response: &Response,
        before: &[Row],
    ) -> Self {
        let echo = |field: &str| response.echo(field).unwrap_or_else(|| "?".to_owned());
        let mut row = Self {
            listener,
            status: response.status,
            subject: response.echo("client_subject"),
            protocol: echo("protocol"),
            resumed: echo("resumed") == "true",
            connection: echo("connection"),
            request: echo("request"),
            fault: None,
        };
        row.fault = row.find_fault(expected, before);
        row
    }

    /// The identity of its listener.
    pub fn identity(&self) -> &str {
        self.listener.identity
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    fn find_fault(&self, expected: Expected, before: &[Row]) -> Option<String> {
        let status = if self.listener.subject.is_some() {
            200
        } else {
            403
        };
        if self.status != status {
            return Some(format!("status {}, not {status}", self.status));
        }
        if self.subject.as_deref() != self.listener.subject {
            let (saw, must) = (&self.subject, self.listener.subject);
            return Some(format!("the cloud saw {saw:?}, not {must:?}"));
        }
        let others = before
            .iter()
            .filter(|row| row.identity() != self.identity());
        if others.clone().any(|row| row.connection == self.connection) {
            return Some("it came on the connection of another identity".to_owned());
        }
        let came = self.how();
        (came != expected).then(|| format!("it came {came:?}, not {expected:?}"))
    }

    fn how(&self) -> Expected {
        match (self.request.as_str(), self.resumed) {
            ("1", false) => Expected::Full,
            ("1", true) => Expected::Resumed,
            _ => Expected::Reused,
        }
    }
}

/// Prints the line above the rows.
pub fn print_heading() {
    println!(
        "{:<16} {:<9} {:>6}  {:<12} {:<8} how it came",
        "listener", "identity", "status", "cloud saw", "TLS"
    );
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listener {
            address, identity, ..
        } = self.listener;
        let subject = self.subject.as_deref().unwrap_or("nobody");
        let (status, protocol) = (self.status, &self.protocol);
        write!(
            f,
            "{address:<16} {identity:<9} {status:>6}  {subject:<12} {protocol:<8} "
        )?;
        let Self {
            connection,
            request,
            ..
        } = self;
        match self.how() {
            Expected::Full => write!(f, "connection {connection}, full handshake")?,
            Expected::Resumed => write!(f, "connection {connection}, resumed session")?,
            Expected::Reused => write!(f, "connection {connection} again, request {request}")?,
        }
        f.write_str(if self.fault.is_some() {
            "  <-- WRONG"
        } else {
            ""
        })
    }
}
