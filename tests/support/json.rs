//! As much JSON as the echo needs: a value, a writer, a reader.

use std::fmt::{self, Display, Write};
use std::iter::Peekable;
use std::str::Chars;

/// A JSON value (RFC 8259). A number stays as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A number.
    pub fn number(number: impl Display) -> Self {
        Self::Number(number.to_string())
    }

    /// A text, or null for none.
    pub fn optional(text: Option<&String>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.clone()))
    }

    /// The field of that name of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let Self::Object(fields) = self else {
            return None;
        };
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value)
    }

    /// The elements of a list; none of anything else.
    pub fn elements(&self) -> &[Value] {
        if let Self::List(elements) = self {
            elements
        } else {
            &[]
        }
    }

    /// A text, a number or a bool as text; `None` for null, lists and objects.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// Reads one value; `None` when the text is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars().peekable();
        let value = value(&mut chars)?;
        blanks(&mut chars);
        chars.next().is_none().then_some(value)
    }
}

/// One line for everything but an object, which has a line for each field.
impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(text) => quoted(text, f),
            Self::List(elements) => {
                f.write_char('[')?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { ", " })?;
                }
                f.write_char(']')
            }
            Self::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index == 0 { "\n  " } else { ",\n  " })?;
                    quoted(name, f)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("\n}")
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

fn blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(char::is_ascii_whitespace).is_some() {}
}

fn value(chars: &mut Peekable<Chars<'_>>) -> Option<Value> {
    blanks(chars);
    match *chars.peek()? {
        '"' => string(chars).map(Value::Text),
        '[' => elements(chars).map(Value::List),
        '{' => fields(chars).map(Value::Object),
        _ => word(chars),
    }
}

fn word(chars: &mut Peekable<Chars<'_>>) -> Option<Value> {
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
        word.push(c);
    }
    match word.as_str() {
        "null" => Some(Value::Null),
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        number => number.parse::<f64>().ok().map(|_| Value::Number(word)),
    }
}

fn string(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    chars.next_if_eq(&'"')?;
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let code: String = chars.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&code, 16).ok()?)?
                }
                c => c,
            }),
            c => text.push(c),
        }
    }
}

fn elements(chars: &mut Peekable<Chars<'_>>) -> Option<Vec<Value>> {
    list(chars, '[', ']', value)
}

fn fields(chars: &mut Peekable<Chars<'_>>) -> Option<Vec<(String, Value)>> {
    list(chars, '{', '}', |chars| {
        let name = string(chars)?;
        blanks(chars);
        chars.next_if_eq(&':')?;
        Some((name, value(chars)?))
    })
}

fn list<T>(
    chars: &mut Peekable<Chars<'_>>,
    open: char,
    close: char,
    mut one: impl FnMut(&mut Peekable<Chars<'_>>) -> Option<T>,
) -> Option<Vec<T>> {
    chars.next_if_eq(&open)?;
    let mut all = Vec::new();
    blanks(chars);
    if chars.next_if_eq(&close).is_some() {
        return Some(all);
    }
    loop {
        blanks(chars);
        all.push(one(chars)?);
        blanks(chars);
        match chars.next()? {
            ',' => {}
            c if c == close => return Some(all),
            _ => return None,
        }
    }
}
