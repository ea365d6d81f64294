//! `--admin`.

use super::draft::{self, Common, Draft};
use super::list::{Key, List};
use super::{AdminConfig, Problem, SocketAccess, listener};

/// An `--admin` as far as it could be read.
pub(super) struct AdminDraft {
    common: Common,
}

impl Draft for AdminDraft {
    const OPTION: &'static str = "--admin";

    const KEYS: &'static [Key<Self>] =
        &[draft::from(), draft::uid(), draft::mode(), draft::group()];

    fn new(common: Common) -> Self {
        Self { common }
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn common_mut(&mut self) -> &mut Common {
        &mut self.common
    }

    fn across(&mut self, _: &List<'_>) -> Option<Problem> {
        None
    }
}

impl AdminDraft {
    /// The option, unless its LISTEN is ill, which was reported.
    pub(super) fn finish(self) -> Option<AdminConfig> {
        let common = self.common;
        Some(AdminConfig {
            text: common.given.value,
            listen: common.listen?,
            from: common.from,
            uid: common.uid,
            access: SocketAccess {
                mode: common.mode.unwrap_or(listener::SOCKET_MODE),
                group: common.group,
            },
        })
    }
}
