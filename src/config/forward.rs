//! `--forward`.

use super::draft::{self, Common, Draft};
use super::list::{Key, List};
use super::{ForwardConfig, IdentityConfig, Pattern, Problem, values};

/// A `--forward` as far as it could be read.
pub(super) struct ForwardDraft {
    common: Common,
    /// `None`: missing or ill.
    to: Option<Pattern>,
    tunnel: bool,
}

impl Draft for ForwardDraft {
    const OPTION: &'static str = "--forward";

    const KEYS: &'static [Key<Self>] = &[
        Key::new("to", |draft: &mut Self, text| {
            Pattern::parse(text).map(|pattern| draft.to = Some(pattern))
        })
        .required("add to=HOST, to=*.SUFFIX or to=*, the destinations to take"),
        draft::identity(),
        Key::new("tunnel", |draft: &mut Self, text| {
            values::word(text, &values::ON_OFF).map(|tunnel| draft.tunnel = tunnel)
        }),
        draft::redirects(),
        draft::via(),
        draft::response_timeout(),
        draft::clients(),
        draft::from(),
        draft::uid(),
        draft::mode(),
        draft::group(),
    ];

    fn new(common: Common) -> Self {
        Self {
            common,
            to: None,
            tunnel: false,
        }
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn common_mut(&mut self) -> &mut Common {
        &mut self.common
    }

    fn across(&mut self, _list: &List<'_>) -> Option<Problem> {
        None
    }
}

impl ForwardDraft {
    /// The rule, unless something it needs is missing, which was reported.
    pub(super) fn finish(self, identities: &[IdentityConfig]) -> Option<ForwardConfig> {
        let identity = self.common.identity_id(identities)?;
        let common = self.common;
        Some(ForwardConfig {
            text: common.given.value,
            listen: common.listen?,
            to: self.to?,
            identity,
            tunnel: self.tunnel,
            keep_redirects: common.keep_redirects,
            via: common.via,
            response_timeout: common.response_timeout,
            from: common.from,
            uid: common.uid,
        })
    }
}
