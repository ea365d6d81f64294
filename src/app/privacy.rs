//! What is in our memory, keys above all, is for nobody else: no core file, no debugger, no program
//! of the same user.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::set_no_new_privs;

/// Asks the kernel for it, before anything secret is read and before there are threads. Where it
/// refuses, egret does without.
pub(super) fn keep_memory_private() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        ::log::warn!("keys may end up in core files: the system refused PR_SET_DUMPABLE: {error}");
    }
    if let Err(error) = set_no_new_privs(true) {
        ::log::warn!("the system refused PR_SET_NO_NEW_PRIVS: {error}");
    }
}
