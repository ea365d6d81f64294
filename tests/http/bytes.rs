//! Tables of messages, one a line: bytes as text that a person can read.

/// A row of a table; the last column is for [`bytes`].
#[derive(Debug)]
pub struct Row {
    /// The columns before the last, without blanks around them.
    pub columns: Vec<&'static str>,
    /// The last column, as it stands.
    pub text: &'static str,
}

/// The rows of a table, whose columns are parted by ` | `.
pub fn rows(table: &'static str) -> Vec<Row> {
    let lines = table.lines().filter(|line| !line.trim().is_empty());
    lines.map(row).collect()
}

fn row(line: &'static str) -> Row {
    let (columns, text) = line.rsplit_once(" | ").expect("columns");
    Row {
        columns: columns.split(" | ").map(str::trim).collect(),
        text,
    }
}

/// `⏎` is CRLF; `\r`, `\n`, `\t`, `\0` and `\xNN` are what they are elsewhere; `{text*N}` is the
/// text so many times.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '⏎' => bytes.extend(b"\r\n"),
            '\\' => {
                let (byte, length) = escape(rest);
                bytes.push(byte);
                rest = &rest[length..];
            }
            '{' => {
                let (inner, after) = rest.split_once('}').expect("a closing brace");
                let (text, count) = inner.rsplit_once('*').expect("text*N");
                bytes.extend(self::bytes(text).repeat(count.parse().expect("a number")));
                rest = after;
            }
            _ => bytes.extend(c.to_string().bytes()),
        }
    }
    bytes
}

/// [`bytes`], shortened for messages.
pub fn short(text: &str) -> String {
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The byte that an escape stands for, and the length of what follows its backslash.
fn escape(rest: &str) -> (u8, usize) {
    match rest.as_bytes()[0] {
        b'r' => (b'\r', 1),
        b'n' => (b'\n', 1),
        b't' => (b'\t', 1),
        b'0' => (0, 1),
        b'x' => (
            u8::from_str_radix(&rest[1..3], 16).expect("two hex digits"),
            3,
        ),
        other => panic!("no such escape: {}", char::from(other)),
    }
}
