//! `cross/licences`, which goes along with every program that is handed out: the crates in it, and
//! what their licences ask to go along.
//!
//! `RECORD=1 cargo test --test licences` writes it anew.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cross/licences");

const START: &str = "\
What is in the program beside egret's own code, and under which licences. Where a crate may be used under
any of several, this is under MIT. The texts follow, each once.

the standard library of Rust: MIT OR Apache-2.0
musl, in static programs: MIT
";

/// What is in the program and is no crate.
const LIBRARIES: &str = "
==== the standard library of Rust, musl

Copyright (c) The Rust Project Contributors
Copyright (c) 2005-2020 Rich Felker, et al.
";
/// egret's own licence, of the same words.
const MIT: &str = include_str!("../LICENSE");

/// Beside those in a crate's own folder.
const DEEPER: [&str; 1] = ["third_party/fiat/LICENSE"];

/// What cargo says to these words, without asking anybody.
fn cargo(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(words)
        .args(["--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `name version` of each crate in the program, whatever it is built for.
fn crates() -> BTreeSet<String> {
    let targets = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/cross/targets"));
    let mut found = BTreeSet::new();
    for target in targets.expect("targets").flatten() {
        let target = target.file_name();
        let target = target.to_str().expect("a target's name");
        let words = ["tree", "--edges=normal,no-proc-macro", "--prefix=none"];
        let tree = cargo(&[&words[..], &["--format={p}", "--target", target]].concat());
        let names = tree.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let version = words.nth(1)?.strip_prefix('v')?;
            Some(format!("{} {version}", line.split(' ').next()?))
        });
        found.extend(names.filter(|name| !name.starts_with("egret ")));
    }
    found
}

/// Of each of these crates, its licence and its folder.
fn packages(crates: &BTreeSet<String>) -> BTreeMap<String, (String, PathBuf)> {
    let target = "x86_64-unknown-linux-musl";
    let text = cargo(&[
        "metadata",
        "--format-version=1",
        "--filter-platform",
        target,
    ]);
    let metadata = Value::parse(&text).expect("JSON");
    let packages = metadata.get("packages").expect("packages").elements();
    let field = |package: &Value, name: &str| package.get(name).and_then(Value::text);
    let package = |package: &Value| {
        let name = format!("{} {}", field(package, "name")?, field(package, "version")?);
        let manifest = PathBuf::from(field(package, "manifest_path")?);
        let licence = field(package, "license").expect("a licence");
        let folder = manifest.parent()?.to_owned();
        crates.contains(&name).then_some((name, (licence, folder)))
    };
    packages.iter().filter_map(package).collect()
}

/// The texts in a crate's folder that have to go along: where one of several licences can be chosen,
/// that of MIT.
fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a crate's source");
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("LICENSE")).collect();
    if names.iter().any(|name| name == "LICENSE-MIT") {
        names.retain(|name| name == "LICENSE-MIT" || name == "LICENSE-THIRD-PARTY");
    }
    names.sort();
    names.extend(DEEPER.map(str::to_owned));
    let read = names
        .iter()
        .filter_map(|name| fs::read_to_string(folder.join(name)).ok());
    read.collect()
}

/// The same text, however it is broken into lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the file is to hold.
fn licences() -> String {
    let crates = crates();
    let packages = packages(&crates);
    assert_eq!(packages.len(), crates.len(), "{crates:?}");
    let mut list = String::new();
    // Of each text, how it reads and whose it is.
    let mut all: BTreeMap<String, (String, Vec<&str>)> = BTreeMap::new();
    for (name, (licence, folder)) in &packages {
        list += &format!("{name}: {licence}\n");
        let texts = texts(folder);
        assert!(!texts.is_empty(), "no licence in {}", folder.display());
        for text in texts {
            let entry = all
                .entry(words(&text))
                .or_insert_with(|| (text, Vec::new()));
            entry.1.push(name);
        }
    }
    let (_, mit) = MIT.split_once("\n\nPermission").expect("what MIT says");
    let mut file = format!("{START}{list}{LIBRARIES}\nPermission{mit}");
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    for (text, whose) in all {
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        let text = lines.join("\n");
        file += &format!(
            "\n==== {}\n\n{}\n",
            whose.join(", "),
            text.trim_matches('\n')
        );
    }
    file
}

#[test]
fn the_licences_of_all_crates_in_the_program_go_along_with_it() {
    let licences = licences();
    if std::env::var_os("RECORD").is_some() {
        fs::write(FILE, &licences).expect("a file");
    }
    let written = fs::read_to_string(FILE).expect("cross/licences");
    let differs = licences
        .lines()
        .zip(written.lines())
        .find(|(is, was)| is != was);
    assert!(
        written == licences,
        "cross/licences is not what is in the program: {differs:?}; write it anew: \
         RECORD=1 cargo test --test licences"
    );
}
