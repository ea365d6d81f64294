//! `/status.json`.

use super::{Admin, Content};

pub(super) fn status(_: &Admin) -> Content {
    Content::plain("")
}
