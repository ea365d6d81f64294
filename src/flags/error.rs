//! What can be wrong with a command line before anybody asks what its values mean.

use std::fmt;
use std::io;

use crate::limits;

/// A mistake in the command line itself; exit code 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagError {
    /// An argument is not UTF-8; shown with its strange bytes replaced.
    NotUtf8 {
        /// The argument.
        word: String,
    },
    /// An `@FILE` could not be used.
    File {
        /// Its path as given, without the `@`.
        path: String,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// The first word is no command.
    UnknownCommand {
        /// The word.
        word: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// An option of `egret probe` without that command.
    OnlyProbe {
        /// Its name.
        flag: String,
    },
    /// No option of this name.
    UnknownFlag {
        /// Its name.
        flag: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// An option without its value.
    MissingValue {
        /// Its name.
        flag: String,
    },
    /// A value where none belongs.
    UnexpectedValue {
        /// The option's name.
        flag: String,
    },
    /// An option that may be given once, given again.
    Repeated {
        /// Its name.
        flag: String,
    },
    /// A word that belongs to no option.
    Stray {
        /// The word.
        word: String,
        /// Whether it is a command in the wrong place.
        is_command: bool,
    },
    /// What the option parser had to say beyond all this.
    Usage {
        /// Its words.
        text: String,
    },
}

/// Why an `@FILE` could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileProblem {
    /// `@` alone.
    NoName,
    /// Reading failed.
    Unreadable(io::ErrorKind),
    /// Longer than [`limits::OPTIONS_FILE_MAX`].
    TooLarge,
    /// Not UTF-8 on this line.
    NotUtf8(usize),
    /// A key or a certificate begins on this line: none of its words may be shown.
    Pem(usize),
    /// A quote that opens on this line is not closed there.
    Unclosed {
        /// The line, from 1.
        line: usize,
        /// The quote.
        quote: char,
    },
    /// The file ends in a backslash on this line.
    Backslash(usize),
    /// Another `@FILE` on this line.
    Nested {
        /// The line, from 1.
        line: usize,
        /// The word.
        word: String,
    },
}

impl FlagError {
    /// Whether options may be missing because of it, so that what lacks is not to be complained of.
    pub fn hides_options(&self) -> bool {
        matches!(
            self,
            Self::File { .. } | Self::NotUtf8 { .. } | Self::Usage { .. }
        )
    }
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { word } => write!(f, "{word:?}: is not UTF-8; rename what it names"),
            Self::File { path, problem } => write!(f, "@{}{problem}", path.escape_debug()),
            Self::UnknownCommand { word, nearest } => {
                write!(f, "{word:?}: unknown command; {}", Remedy(nearest))
            }
            Self::OnlyProbe { flag } => {
                write!(f, "{flag}: belongs to a probe; run: egret probe {flag}")
            }
            Self::UnknownFlag { flag, nearest } => {
                write!(
                    f,
                    "{}: unknown option; {}",
                    flag.escape_debug(),
                    Remedy(nearest)
                )
            }
            Self::MissingValue { flag } => {
                write!(f, "{flag}: its value is missing; run: egret --help")
            }
            Self::UnexpectedValue { flag } => write!(f, "{flag}: takes no value; leave it out"),
            Self::Repeated { flag } => write!(f, "{flag}: given more than once; give it once"),
            Self::Stray {
                word,
                is_command: true,
            } => {
                write!(
                    f,
                    "{word:?}: a command comes first; run: egret {word} OPTIONS"
                )
            }
            Self::Stray {
                word,
                is_command: false,
            } => {
                write!(f, "{word:?}: belongs to no option; run: egret --help")
            }
            Self::Usage { text } => write!(f, "{}; run: egret --help", text.escape_debug()),
        }
    }
}

impl std::error::Error for FlagError {}

/// What to do about an unknown word.
struct Remedy<'a>(&'a Option<&'static str>);

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nearest) = self.0 {
            write!(f, "did you mean {nearest}? ")?;
        }
        f.write_str("run: egret --help")
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str(": names no file; write @FILE"),
            Self::Unreadable(io::ErrorKind::NotFound) => f.write_str(": no such file"),
            Self::Unreadable(kind) => write!(f, ": cannot be read: {kind}"),
            Self::TooLarge => {
                write!(
                    f,
                    ": larger than the maximum of {} bytes",
                    limits::OPTIONS_FILE_MAX
                )
            }
            Self::NotUtf8(line) => write!(f, ":{line}: is not UTF-8; save the file as UTF-8"),
            Self::Pem(line) => write!(
                f,
                ":{line}: holds a certificate or a key, and no options; name it in cert=, key= or ca="
            ),
            Self::Unclosed { line, quote } => {
                write!(f, ":{line}: a {quote} is not closed on its line; close it")
            }
            Self::Backslash(line) => {
                write!(f, ":{line}: the file ends in a backslash; take it away")
            }
            Self::Nested { line, word } => {
                write!(
                    f,
                    ":{line}: {word:?} is not allowed in a file; name both files on the command line"
                )
            }
        }
    }
}
