//! Which peers are installed.

use std::process::Command;

/// The first line of what a program says of its version, if it is installed.
pub fn installed(program: &str, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().map(str::to_owned)
}

/// [`installed`], or its name alone.
pub fn version(program: &str, option: &str) -> String {
    installed(program, option).unwrap_or_else(|| program.to_owned())
}
