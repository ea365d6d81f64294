//! JSON going out (RFC 8259): values, and how they are written.

use std::fmt;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// Nothing known.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Fields in this order.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// A list of what `items` are.
    pub fn list<T: Into<Json>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// `depth` is how far in it stands.
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            // Neither infinity nor NaN is JSON.
            Self::Number(number) if number.is_finite() => write!(f, "{number}"),
            Self::Number(_) => f.write_str("null"),
            Self::Text(text) => quoted(text, f),
            Self::List(items) => {
                let lines = items.iter().any(|item| matches!(item, Self::Object(_)));
                let parts = items.iter().map(|item| (None, item));
                enclosed(f, ['[', ']'], parts, lines.then_some(depth))
            }
            Self::Object(fields) => {
                let parts = fields.iter().map(|(name, value)| (Some(*name), value));
                enclosed(f, ['{', '}'], parts, Some(depth))
            }
        }
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(number as f64)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number as f64)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(maybe: Option<T>) -> Self {
        maybe.map_or(Self::Null, Into::into)
    }
}

/// Indented by two; a list that holds no object is one line.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// `lines`: how far in this is, where each part has a line of its own.
fn enclosed<'a>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [char; 2],
    parts: impl Iterator<Item = (Option<&'static str>, &'a Json)>,
    lines: Option<usize>,
) -> fmt::Result {
    write!(f, "{open}")?;
    let mut empty = true;
    for (name, value) in parts {
        match (empty, lines) {
            (true, None) => {}
            (false, None) => f.write_str(", ")?,
            (true, Some(depth)) => write!(f, "\n{:1$}", "", 2 * depth + 2)?,
            (false, Some(depth)) => write!(f, ",\n{:1$}", "", 2 * depth + 2)?,
        }
        if let Some(name) = name {
            quoted(name, f)?;
            f.write_str(": ")?;
        }
        value.write(f, lines.map_or(0, |depth| depth + 1))?;
        empty = false;
    }
    match lines.filter(|_| !empty) {
        Some(depth) => write!(f, "\n{:1$}{close}", "", 2 * depth),
        None => write!(f, "{close}"),
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_json_has_them() {
        let table = [
            (Json::Null, "null"),
            (Json::from(true), "true"),
            (Json::from(1.5), "1.5"),
            (Json::from(200.0), "200"),
            (Json::from(f64::NAN), "null"),
            (
                Json::from("a\"b\\c\n\u{1}\u{fc}"),
                "\"a\\\"b\\\\c\\n\\u0001\u{fc}\"",
            ),
            (Json::list(["a", "b"]), r#"["a", "b"]"#),
            (Json::List(Vec::new()), "[]"),
            (Json::Object(Vec::new()), "{}"),
            (Json::from(None::<bool>), "null"),
        ];
        for (value, text) in table {
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn what_holds_objects_has_lines_and_is_indented() {
        let inner = || Json::Object(vec![("a", Json::list([1.0, 2.0])), ("b", Json::Null)]);
        let value = Json::Object(vec![("all", Json::List(vec![inner(), inner()]))]);
        let object = "{\n      \"a\": [1, 2],\n      \"b\": null\n    }";
        assert_eq!(
            value.to_string(),
            format!("{{\n  \"all\": [\n    {object},\n    {object}\n  ]\n}}")
        );
    }
}
