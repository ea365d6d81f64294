//! What the targets share.

pub mod http;
pub mod routes;
pub mod shell;
pub mod text;
pub mod upstream;
pub mod world;
