use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::limits;

/// A file of options that is gone after the test.
struct OptionsFile(PathBuf);

impl OptionsFile {
    fn new(bytes: &[u8]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("egret-flags-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        Self(path)
    }

    fn word(&self) -> String {
        format!("@{}", self.0.display())
    }
}

impl Drop for OptionsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn flags(words: &[&str]) -> Flags {
    match parse(words) {
        Parsed::Run(flags) | Parsed::Check(flags) | Parsed::Probe { flags, .. } => flags,
        other => panic!("{other:?}"),
    }
}

fn errors(words: &[&str]) -> Vec<String> {
    flags(words)
        .errors
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The mistakes in a file of these bytes, its path left out.
fn file_errors(bytes: &[u8]) -> Vec<String> {
    let file = OptionsFile::new(bytes);
    let errors = errors(&[&file.word()]);
    errors
        .iter()
        .map(|error| error.replacen(&file.word(), "@F", 1))
        .collect()
}

#[test]
fn a_value_follows_its_option_or_an_equals_sign() {
    let flags = flags(&["--route", "a=b", "--route=c=d", "--ca=-x", "--log="]);
    assert_eq!(flags.errors, []);
    assert_eq!(flags.options.route, ["a=b", "c=d"]);
    assert_eq!(flags.options.ca.as_deref(), Some("-x"));
    assert_eq!(flags.options.log.as_deref(), Some(""));
}

#[test]
fn a_value_may_be_a_word_that_is_a_command_elsewhere() {
    let flags = flags(&["run", "--ca", "help", "--log", "check"]);
    assert_eq!(flags.errors, []);
    assert_eq!(flags.options.ca.as_deref(), Some("help"));
}

#[test]
fn run_is_the_command_where_none_is_given() {
    assert!(matches!(parse(["--ca", "x"]), Parsed::Run(_)));
    assert!(matches!(parse(["run", "--ca", "x"]), Parsed::Run(_)));
    assert!(matches!(parse(["check", "--ca", "x"]), Parsed::Check(_)));
}

#[test]
fn help_and_version_need_no_sound_options() {
    for words in [
        &["help"][..],
        &["-h"],
        &["check", "--help"],
        &["--bogus", "-h", "-V"],
        &["probe", "-h"],
    ] {
        assert!(matches!(parse(words), Parsed::Help), "{words:?}");
    }
    for words in [&["-V"][..], &["run", "--version"], &["x", "--bogus", "-V"]] {
        assert!(matches!(parse(words), Parsed::Version), "{words:?}");
    }
}

#[test]
fn what_is_probed_stands_anywhere_among_the_options() {
    for words in [
        &["probe", "https://a,identity=x", "--ca", "y", "--json"][..],
        &["probe", "--ca", "y", "https://a,identity=x", "--json"],
        &["probe", "--json", "https://a,identity=x", "--ca=y"],
    ] {
        let Parsed::Probe { flags, target } = parse(words) else {
            panic!("{words:?}")
        };
        assert_eq!(flags.errors, []);
        assert_eq!(target.as_deref(), Some("https://a,identity=x"));
        assert_eq!(flags.options.ca.as_deref(), Some("y"));
        assert!(flags.options.json && !flags.options.isolation);
    }
}

#[test]
fn every_mistake_is_named_with_its_remedy() {
    let table: &[(&[&str], &str)] = &[
        (
            &["--rout", "x"],
            "--rout: unknown option; did you mean --route? run: egret --help",
        ),
        (
            &["--verbose"],
            "--verbose: unknown option; run: egret --help",
        ),
        (&["-x"], "-x: unknown option; run: egret --help"),
        (&["--"], "--: unknown option; run: egret --help"),
        (
            &["--identity"],
            "--identity: its value is missing; run: egret --help",
        ),
        (
            &["--ca", "--log=info"],
            "--ca: its value is missing; run: egret --help",
        ),
        (
            &["--ca", "x", "--ca=y"],
            "--ca: given more than once; give it once",
        ),
        (&["--help=x"], "--help: takes no value; leave it out"),
        (
            &["chek"],
            "\"chek\": unknown command; did you mean check? run: egret --help",
        ),
        (
            &["prob", "https://a"],
            "\"prob\": unknown command; did you mean probe? run: egret --help",
        ),
        (
            &["check", "--json"],
            "--json: belongs to a probe; run: egret probe --json",
        ),
        (
            &["--isolation", "--ca", "x"],
            "--isolation: belongs to a probe; run: egret probe --isolation",
        ),
        (
            &["probe", "--json=x"],
            "--json: takes no value; leave it out",
        ),
        (
            &["probe", "--json", "--json"],
            "--json: given more than once; give it once",
        ),
        (
            &["probe", "https://a", "https://b"],
            "\"https://b\": belongs to no option; run: egret --help",
        ),
        (
            &["--ca", "x", "probe"],
            "\"probe\": a command comes first; run: egret probe OPTIONS",
        ),
        (
            &["--ca", "x", "check"],
            "\"check\": a command comes first; run: egret check OPTIONS",
        ),
        (
            &["--ca", "x", "y"],
            "\"y\": belongs to no option; run: egret --help",
        ),
        (&["@"], "@: names no file; write @FILE"),
        (&["@/nowhere/x"], "@/nowhere/x: no such file"),
    ];
    for (words, text) in table {
        assert_eq!(errors(words), [*text], "{words:?}");
    }
}

#[test]
fn all_mistakes_come_at_once_and_sound_options_stay() {
    let flags = flags(&[
        "--bogus",
        "--ca=x",
        "--nonsense",
        "9",
        "--ca=y",
        "--route",
        "r",
    ]);
    assert_eq!(flags.errors.len(), 3);
    assert_eq!(flags.options.ca.as_deref(), Some("x"));
    assert_eq!(flags.options.route, ["r"]);
}

#[test]
fn an_argument_that_is_not_utf8_is_an_error() {
    let Parsed::Run(flags) = parse([OsStr::from_bytes(b"--ca=\xff")]) else {
        panic!("not run")
    };
    assert_eq!(
        flags.errors[0].to_string(),
        "\"--ca=\u{fffd}\": is not UTF-8; rename what it names"
    );
}

#[test]
fn a_file_adds_its_words_where_it_stands() {
    let file =
        OptionsFile::new(b"\xef\xbb\xbf# ours\n--route\n\"a b\"\n--route c # more\n--log=debug\n");
    let flags = flags(&["check", "--route", "first", &file.word(), "--route=last"]);
    assert_eq!(flags.errors, []);
    assert_eq!(flags.options.route, ["first", "a b", "c", "last"]);
    assert_eq!(flags.options.log.as_deref(), Some("debug"));
}

#[test]
fn a_command_may_stand_in_a_file() {
    let file = OptionsFile::new(b"check\n--ca x\n");
    assert!(matches!(parse([file.word()]), Parsed::Check(_)));
}

#[test]
fn a_key_given_as_a_file_of_options_is_refused_and_none_of_it_is_quoted() {
    let key = b"\n-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n";
    let refused =
        "@F:2: holds a certificate or a key, and no options; name it in cert=, key= or ca=";
    assert_eq!(file_errors(key), [refused]);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_line() {
    let unclosed = "@F:2: a ' is not closed on its line; close it";
    assert_eq!(file_errors(b"--ca\n'x\n"), [unclosed]);
    assert_eq!(
        file_errors(b"--ca\nx\n\xff\n"),
        ["@F:3: is not UTF-8; save the file as UTF-8"]
    );
    let nested = "@F:1: \"@other\" is not allowed in a file; name both files on the command line";
    assert_eq!(file_errors(b"@other"), [nested]);
    assert_eq!(
        file_errors(b"x\\"),
        ["@F:1: the file ends in a backslash; take it away"]
    );
    let large = vec![b'\n'; 1 + limits::OPTIONS_FILE_MAX as usize];
    assert_eq!(
        file_errors(&large),
        ["@F: larger than the maximum of 262144 bytes"]
    );
    assert_eq!(file_errors(&large[1..]), Vec::<String>::new());
}

#[test]
fn a_directory_is_no_file_of_options() {
    let word = format!("@{}", std::env::temp_dir().display());
    assert_eq!(
        errors(&[&word]),
        [format!("{word}: cannot be read: is a directory")]
    );
}

#[test]
fn help_fits_eighty_columns() {
    let help = help();
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert_eq!(line, line.trim_end());
    }
    assert!(help.starts_with("Usage: egret ") && help.ends_with('\n') && help.is_ascii());
}
