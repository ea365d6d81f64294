//! egret: plain HTTP in, mutual TLS out, one identity a listener or a rule.
//!
//! A connection or a TLS session made as one identity is never used as another: both are owned
//! by one [`identity::Epoch`], and there is no key in which an identity could be forgotten.
//!
//! # Rooms, from the top; imports run downward only
//!
//! | room | what lives there |
//! |---|---|
//! | `main` | exit codes, and which heap there is |
//! | [`app`] | wiring, signals, start and stop, what time changes (`keeper`), what start-up needed (`trim`), the `heap`; [`check`] is what `egret check` prints |
//! | [`admin`] | what egret tells of itself: health, metrics, the status page |
//! | [`server`] | bind or take over, accept, deadlines, drain |
//! | [`proxy`] | one request: who may, routes and forward rules, headers, exchange, body, tunnel |
//! | [`probe`] | `egret probe`: what happens on the wire, what is wrong and what to change |
//! | [`identity`] | who we are: epochs, sessions, verification, certificates, the clock |
//! | [`upstream`] | connections to the cloud: pool, resolver, dial, TLS, requests on their way out |
//! | [`wire`] | HTTP/1.1 on both sides: the strict reader, and what is written |
//! | [`config`] | options as types |
//! | [`table`], [`task`] | the table of fixed size; tasks, all of one kind |
//! | [`flags`], [`error`], [`limits`], [`metrics`], [`log`], [`json`] | strings of the command line, causes, constants, counters, log lines, JSON |
//!
//! `rustls` is named only in `identity` and `upstream::connect`, `webpki` and `ring` only in
//! `identity`, `base64` only in `config`, `argh` only in `flags`, `heapless` only in `table` and
//! `upstream::pool`.
//!
//! # One request
//!
//! `server` accepts -> `wire::Inbound` reads the head -> `proxy::Proxy::handle` ->
//! `proxy::destination` (peer; a route of `proxy::target`, or a rule of `proxy::forward`) ->
//! `proxy::headers` -> `proxy::exchange` -> `identity::Identity::connect` (pool, or
//! `upstream::connect`) -> `upstream::send` -> `server::answer`, to which `proxy::ResponseBody` gives
//! what comes and carries the lease to its end -> `identity::Lease::settle`.
//!
//! A client's own task does all of that, and between requests it waits without buffers. After a 101
//! or a CONNECT `proxy::Tunnel` holds the lease while bytes go both ways.

// Of the program alone: tests may fail loudly. All other lints live in Cargo.toml.
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod admin;
pub mod app;
pub mod check;
pub mod config;
pub mod error;
pub mod flags;
pub mod identity;
pub mod json;
pub mod limits;
pub mod log;
pub mod metrics;
pub mod probe;
pub mod proxy;
pub mod server;
pub mod table;
pub mod task;
pub mod upstream;
pub mod wire;

#[cfg(test)]
mod testing;
