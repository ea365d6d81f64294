//! The status page.

use super::{Admin, Content};

/// What a browser may do with anything that comes from here.
pub(super) const POLICY: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) fn page(_: &Admin) -> Content {
    Content::plain("")
}
