//! `@FILE`: its words are those that a shell would make of it, or it gives none and says why.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use egret::config;
use egret::flags::{self, Parsed};
use egret_fuzz::shell;
use egret_fuzz::text::assert_one_line;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = format!("egret-fuzz-{}", std::process::id());
    std::env::temp_dir().join(name)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fs::write(&*FILE, data).expect("a file");
    let parsed = flags::parse([format!("@{}", FILE.display())]);
    match expected(data) {
        Some(words) => assert_eq!(shown(&parsed), shown(&flags::parse(&words)), "{words:?}"),
        None => {
            let Parsed::Run(flags) = &parsed else {
                panic!("{parsed:?}");
            };
            assert!(!flags.errors.is_empty());
            assert!(flags.errors.iter().all(|error| error.hides_options()));
            assert_eq!(
                format!("{:?}", flags.options),
                format!("{:?}", flags::Options::default())
            );
        }
    }
    if let Parsed::Run(flags) | Parsed::Check(flags) = &parsed
        && let Err(rejected) = config::build(flags)
    {
        for error in &rejected.errors {
            assert_one_line(&error.to_string());
        }
    }
});

fn shown(parsed: &Parsed) -> String {
    format!("{parsed:?}")
}

/// The words of a file; `None` where it must be refused.
fn expected(data: &[u8]) -> Option<Vec<String>> {
    let text = str::from_utf8(data).ok()?;
    if text.contains("-----BEGIN ") {
        return None;
    }
    let words = shell::words(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    let nested = words.iter().any(|word| word.starts_with('@'));
    (!nested).then_some(words)
}
