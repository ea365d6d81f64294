//! `@FILE`: more options from a file, read as a shell would read its words.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::iter::Peekable;
use std::str::Chars;

use super::{FileProblem, FlagError};
use crate::limits;

/// Puts the words of every `@FILE` in its place. A file with a mistake adds no words.
pub(super) fn expand(args: impl Iterator<Item = OsString>) -> (Vec<String>, Vec<FlagError>) {
    let mut words = Vec::new();
    let mut errors = Vec::new();
    for arg in args {
        let word = match arg.into_string() {
            Ok(word) => word,
            Err(arg) => {
                errors.push(FlagError::NotUtf8 {
                    word: arg.to_string_lossy().into_owned(),
                });
                continue;
            }
        };
        let Some(path) = word.strip_prefix('@') else {
            words.push(word);
            continue;
        };
        match words_of(path) {
            Ok(more) => words.extend(more),
            Err(problems) => errors.extend(problems.into_iter().map(|problem| FlagError::File {
                path: path.to_owned(),
                problem,
            })),
        }
    }
    (words, errors)
}

fn words_of(path: &str) -> Result<Vec<String>, Vec<FileProblem>> {
    let text = text_of(path).map_err(|problem| vec![problem])?;
    if let Some(line) = pem_line(&text) {
        return Err(vec![FileProblem::Pem(line)]);
    }
    let words = lex(text.strip_prefix('\u{feff}').unwrap_or(&text))?;
    let nested: Vec<_> = words
        .iter()
        .filter(|word| word.text.starts_with('@'))
        .map(|word| FileProblem::Nested {
            line: word.line,
            word: word.text.clone(),
        })
        .collect();
    if nested.is_empty() {
        Ok(words.into_iter().map(|word| word.text).collect())
    } else {
        Err(nested)
    }
}

fn text_of(path: &str) -> Result<String, FileProblem> {
    if path.is_empty() {
        return Err(FileProblem::NoName);
    }
    let bytes = bytes_of(path).map_err(|error| FileProblem::Unreadable(error.kind()))?;
    if bytes.len() as u64 > limits::OPTIONS_FILE_MAX {
        return Err(FileProblem::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        FileProblem::NotUtf8(1 + good.iter().filter(|byte| **byte == b'\n').count())
    })
}

/// The line, from 1, on which a key or a certificate begins. The errors of the options quote words,
/// and those of a key are nobody's.
fn pem_line(text: &str) -> Option<usize> {
    let begins = |line: &str| line.contains("-----BEGIN ");
    text.lines().position(begins).map(|line| line + 1)
}

/// The file's bytes; one more than the maximum of them shows that it is too large.
fn bytes_of(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limits::OPTIONS_FILE_MAX + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[derive(Debug, PartialEq, Eq)]
struct Word {
    text: String,
    line: usize,
}

/// Splits a text into words by the rules of a POSIX shell: quotes, backslashes, comments; nothing
/// is substituted, and a quote ends on its line.
fn lex(text: &str) -> Result<Vec<Word>, Vec<FileProblem>> {
    let mut lexer = Lexer {
        rest: text.chars().peekable(),
        line: 1,
        word: None,
        words: Vec::new(),
        problems: Vec::new(),
    };
    while let Some(c) = lexer.rest.next() {
        lexer.step(c);
    }
    lexer.end_word();
    if lexer.problems.is_empty() {
        Ok(lexer.words)
    } else {
        Err(lexer.problems)
    }
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    /// From 1.
    line: usize,
    /// The word under way.
    word: Option<String>,
    words: Vec<Word>,
    problems: Vec<FileProblem>,
}

impl Lexer<'_> {
    fn step(&mut self, c: char) {
        match c {
            '\n' => {
                self.end_word();
                self.line += 1;
            }
            ' ' | '\t' | '\r' => self.end_word(),
            '#' if self.word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
            '\'' | '"' => self.quoted(c),
            '\\' => self.escaped(),
            _ => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        if let Some(text) = self.word.take() {
            self.words.push(Word {
                text,
                line: self.line,
            });
        }
    }

    /// A backslash outside quotes: the next character as it is; an end of line is no end.
    fn escaped(&mut self) {
        self.rest.next_if_eq(&'\r');
        match self.rest.next() {
            Some('\n') => self.line += 1,
            Some(c) => self.push(c),
            None => self.problems.push(FileProblem::Backslash(self.line)),
        }
    }

    fn quoted(&mut self, quote: char) {
        let word = self.word.get_or_insert_default();
        while let Some(c) = self.rest.next_if(|c| *c != '\n') {
            if c == quote {
                return;
            }
            let escapes = quote == '"' && c == '\\';
            let special = |c: &char| ['"', '\\', '$', '`'].contains(c);
            match self.rest.next_if(|next| escapes && special(next)) {
                Some(next) => word.push(next),
                None => word.push(c),
            }
        }
        self.problems.push(FileProblem::Unclosed {
            line: self.line,
            quote,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        lex(text)
            .unwrap()
            .into_iter()
            .map(|word| word.text)
            .collect()
    }

    #[test]
    fn a_line_holds_a_word_or_an_option_and_its_value() {
        assert_eq!(
            words("--route\nx\n--ca y\r\n\n\t--log=info"),
            ["--route", "x", "--ca", "y", "--log=info"]
        );
    }

    #[test]
    fn quotes_and_backslashes_keep_blanks() {
        assert_eq!(
            words(r#"'a b' "c d" e\ f g'h i'j"#),
            ["a b", "c d", "e f", "gh ij"]
        );
        assert_eq!(words(r#""\"\\\$\`\n" '\n' \n"#), [r#""\$`\n"#, r"\n", "n"]);
        assert_eq!(words("'' \"\""), ["", ""]);
    }

    #[test]
    fn a_backslash_at_the_end_of_a_line_joins_lines() {
        assert_eq!(words("8080,\\\nto=x \\\r\ny"), ["8080,to=x", "y"]);
    }

    #[test]
    fn a_number_sign_starts_a_comment_only_where_a_word_could_start() {
        assert_eq!(words("# all\na # rest\nb#c '#d'"), ["a", "b#c", "#d"]);
    }

    #[test]
    fn every_unclosed_quote_is_named_with_its_line() {
        assert_eq!(
            lex("a\n'b\nc \"d\n").unwrap_err(),
            [
                FileProblem::Unclosed {
                    line: 2,
                    quote: '\''
                },
                FileProblem::Unclosed {
                    line: 3,
                    quote: '"'
                }
            ]
        );
        assert_eq!(lex("a\nb\\").unwrap_err(), [FileProblem::Backslash(2)]);
    }
}
