//! `seeds FOLDER`: inputs for every target to begin with, in a folder of FOLDER each. Those of HTTP
//! are the rows of the tables in `tests/conformance`; certificates and keys are made here.

#[path = "../../conformance/answers.rs"]
mod answers;
#[path = "../../conformance/bodies.rs"]
mod bodies;
#[allow(dead_code, reason = "messages of tests are not made here")]
#[path = "../../http/bytes.rs"]
mod bytes;
mod certificates;
#[path = "../../conformance/chunks.rs"]
mod chunks;
#[path = "../../conformance/framing.rs"]
mod framing;
#[path = "../../conformance/gone.rs"]
mod gone;
#[path = "../../conformance/heads.rs"]
mod heads;
#[path = "../../conformance/passing.rs"]
mod passing;
#[path = "../../conformance/pipelines.rs"]
mod pipelines;
#[path = "../../conformance/targets.rs"]
mod targets;
mod texts;

use std::fs;
use std::path::PathBuf;

// What the flags of a target's build call.
use libfuzzer_sys as _;

/// A longer one only slows the search.
const LONGEST: usize = 3000;

/// Requests that the rows know by number.
const GOOD: [(&str, &str); 4] = [
    ("$1", "GET §/1 HTTP/1.1⏎Host: x⏎⏎"),
    ("$2", "GET §/2 HTTP/1.0⏎Host: x⏎Connection: keep-alive⏎⏎"),
    ("$3", "POST §/3 HTTP/1.1⏎Host: x⏎Content-Length: 5⏎⏎three"),
    (
        "$4",
        "POST §/4 HTTP/1.1⏎Host: x⏎Transfer-Encoding: chunked⏎⏎4⏎four⏎0⏎⏎",
    ),
];

fn main() {
    let folder = std::env::args_os().nth(1).expect("a folder");
    let folder = PathBuf::from(folder);
    let texts = |all: &[&str]| all.iter().map(|text| text.as_bytes().to_vec()).collect();
    let (pem, der) = certificates::all();
    let all: [(&str, Vec<Vec<u8>>); 7] = [
        ("options", texts(texts::OPTIONS)),
        ("option_file", texts(texts::OPTION_FILES)),
        ("targets", texts(texts::TARGETS)),
        ("pem", pem),
        ("der", der),
        ("request", requests()),
        ("response", responses()),
    ];
    for (target, seeds) in all {
        let folder = folder.join(target);
        fs::create_dir_all(&folder).expect("a folder");
        for (number, seed) in seeds.iter().enumerate() {
            if seed.len() <= LONGEST {
                fs::write(folder.join(format!("seed-{number}")), seed).expect("a file");
            }
        }
    }
}

/// Each on both doors.
fn requests() -> Vec<Vec<u8>> {
    let tables = [
        framing::TABLE,
        chunks::TABLE,
        heads::TABLE,
        targets::TABLE,
        pipelines::TABLE,
        gone::TABLE,
        passing::TABLE,
    ];
    let rows = tables.into_iter().flat_map(bytes::rows);
    let seed = |row: bytes::Row| {
        let text = row.text.split(" ⇒ ").next().unwrap_or_default();
        let text = GOOD.iter().fold(text.to_owned(), |text, (name, good)| {
            text.replace(name, good)
        });
        let on =
            |door: &str, start: &str| bytes::bytes(&(door.to_owned() + &text.replace('§', start)));
        [on("0", ""), on("1", "http://¤")]
    };
    rows.flat_map(seed).collect()
}

fn responses() -> Vec<Vec<u8>> {
    let rows = [answers::TABLE, bodies::TABLE].into_iter();
    let seed = |row: bytes::Row| {
        let text = row.text.split(" ⇒ ").next().unwrap_or_default();
        let text = text.trim_end_matches('␄').replace('‖', r"\x1e");
        // What the first byte says: of HEAD or not, and whether the connection stays.
        let first = match row.columns.get(1) {
            Some(&"HEAD") => "\"",
            _ => " ",
        };
        bytes::bytes(&(first.to_owned() + &text))
    };
    let upgrades = texts::UPGRADES.iter().map(|text| bytes::bytes(text));
    rows.flat_map(bytes::rows)
        .map(seed)
        .chain(upgrades)
        .collect()
}
