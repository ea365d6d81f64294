//! What is on a device beside the binary. Each script of tests/packages is a list of behaviours; most
//! run in a copy of this machine that ends with them (cross/sandbox).
#![cfg(feature = "peers")]

mod support;

use std::process::Command;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

/// Runs a program of the repository to its end; panics with what it said when it fails.
fn run(words: &[&str]) {
    let output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("a program of the repository");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{words:?}\n{stdout}{stderr}");
}

/// Runs a script in a copy of this machine, where that can be made.
fn run_in_sandbox(options: &[&str], script: &str) {
    let possible = Command::new("cross/sandbox")
        .args(options)
        .arg("true")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    if !possible.is_ok_and(|output| output.status.success()) {
        support::leave_out("cross/sandbox needs root, overlayfs, and systemd on the machine");
        return;
    }
    run(&[&["cross/sandbox"], options, &[script, EGRET]].concat());
}

#[test]
fn the_units_run_under_systemd() {
    run_in_sandbox(&["--systemd"], "tests/packages/systemd");
}

#[test]
fn the_init_script_runs_without_systemd() {
    run_in_sandbox(&[], "tests/packages/sysv");
}

#[test]
fn the_init_script_of_buildroot_runs_on_busybox_alone() {
    run_in_sandbox(&[], "tests/packages/buildroot");
}

#[test]
fn the_configuration_of_openwrt_becomes_options_one_to_one() {
    run_in_sandbox(&[], "tests/packages/openwrt");
}

#[test]
fn the_manual_page_says_what_help_says() {
    run(&["tests/packages/manual", EGRET]);
}

#[test]
fn bash_completes_what_help_says() {
    run(&["tests/packages/completion", EGRET]);
}

#[test]
fn no_script_has_what_shellcheck_warns_of() {
    // Words are split where it is meant: options of compilers, lists of files.
    let script = "
        git ls-files cross tests/packages .ci |
            xargs awk 'FNR == 1 && /^#!\\/(usr\\/)?bin\\/(env )?(ba)?sh$/ { print FILENAME }' |
            xargs shellcheck --severity warning --external-sources --exclude SC2045,SC2046,SC2154
        # These have no first line of their own, or another shell's: BusyBox has `local`.
        shellcheck --severity warning --shell bash cross/completion/egret
        shellcheck --severity warning --shell dash --exclude SC2034,SC3043 cross/openwrt/files/egret.init";
    run(&["sh", "-ec", script]);
}
