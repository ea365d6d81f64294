//! The egret of the soak: the program itself in a process of its own, which tells how much heap it
//! holds.

use std::io::Write;
use std::thread;
use std::time::Duration;

use crate::heap;
use crate::support::egret::{Builder, Egret};

/// Its options, a line each.
const OPTIONS: &str = "EGRET_COUNTED";
/// Before the number of bytes, in a line of its log.
pub const MARK: &str = "heap: live=";
/// How often it tells.
const STEP: Duration = Duration::from_millis(100);

/// This test program, which becomes egret once [`as_egret`] was said.
pub fn builder() -> Builder {
    Egret::builder(std::env::current_exe().expect("this program"))
}

/// Turns the options into what the program looks for them in.
pub fn as_egret(builder: Builder) -> Builder {
    builder.through_shell(&format!(
        r#"{OPTIONS}="$(printf '%s\n' "$@")"; export {OPTIONS}
        exec "$0" --exact counted::egret --ignored --nocapture"#
    ))
}

#[test]
#[ignore = "what the soak starts"]
fn egret() {
    let options = std::env::var(OPTIONS).expect("options from the soak");
    thread::spawn(|| {
        loop {
            thread::park_timeout(STEP);
            // In one piece: others write there, too.
            let line = format!("{MARK}{}\n", heap::live());
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    });
    let run = || ::egret::app::main(options.lines().map(Into::into));
    std::process::exit(heap::counted_everywhere(run).into());
}
