//! The strict reading of the chunked coding (RFC 9112 §7.1): where a body ends, and that every
//! reader would find the same end.

use super::head::field::{self, TOKEN};
use crate::error::Violation;
use crate::limits;

#[cfg(test)]
mod tests;

/// The most hex digits of a chunk size that fit a `u64`.
const DIGITS_MAX: u8 = 16;

/// Fields that frame or route a message, or rule its connection: in a trailer they come too late
/// to be obeyed and must not be merged into a head (RFC 9110 §6.5.1).
const REFUSED: [&[u8]; 7] = [
    b"transfer-encoding",
    b"content-length",
    b"host",
    b"connection",
    b"te",
    b"trailer",
    b"upgrade",
];

/// The longest name in [`REFUSED`].
const NAME_KEPT: usize = 17;

/// Follows a chunked body through its trailers. It keeps no bytes but the start of a name.
#[derive(Debug, Default)]
pub struct Chunks {
    state: State,
    /// Of the chunk: its size, then what is left of its data.
    size: u64,
    /// Digits of the size.
    digits: u8,
    /// Bytes of the chunk-size line.
    line: usize,
    /// Bytes of all extensions.
    extensions: usize,
    trailers: Trailers,
}

/// Where in the coding the next byte is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Extension,
    /// Within the quotes of an extension's value.
    Quoted,
    /// After a backslash within quotes.
    Escaped,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
    End,
}

/// What bytes of a chunked body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Sizes, extensions and line ends.
    Coding,
    /// The content.
    Data,
    /// The trailer section, to the end of the empty line that closes it.
    Trailers,
}

impl Chunks {
    /// Takes the next bytes, split anyhow: how many of them belong to the message, and whether it
    /// ended with them.
    ///
    /// # Errors
    /// The first rule of RFC 9112 §7.1 that is broken; the bytes before it are not told.
    pub fn feed(&mut self, buf: &[u8]) -> Result<(usize, bool), Violation> {
        let mut at = 0;
        while let Some(rest) = buf.get(at..)
            && let (taken @ 1.., _) = self.step(rest)?
        {
            at += taken;
        }
        Ok((at, self.is_over()))
    }

    /// Takes bytes of one kind from the front of `buf`: how many, none where it is empty or the
    /// message is over, and what they are.
    ///
    /// # Errors
    /// As [`Chunks::feed`].
    pub fn step(&mut self, buf: &[u8]) -> Result<(usize, Part), Violation> {
        let Some(&byte) = buf.first() else {
            return Ok((0, Part::Coding));
        };
        match self.state {
            State::End => Ok((0, Part::Coding)),
            State::Data => Ok((self.data(buf.len()), Part::Data)),
            State::Trailers => self.byte(byte).map(|()| (1, Part::Trailers)),
            _ => self.byte(byte).map(|()| (1, Part::Coding)),
        }
    }

    /// Whether the message is over.
    pub fn is_over(&self) -> bool {
        self.state == State::End
    }

    /// Passes over as much of `available` bytes as is chunk data.
    fn data(&mut self, available: usize) -> usize {
        let taken = usize::try_from(self.size)
            .unwrap_or(usize::MAX)
            .min(available);
        self.size -= taken as u64;
        if self.size == 0 {
            self.state = State::DataCr;
        }
        taken
    }

    fn byte(&mut self, byte: u8) -> Result<(), Violation> {
        match (self.state, byte) {
            (State::Size, _) => self.size_byte(byte)?,
            (State::Extension, b'\r') => self.state = State::SizeLf,
            // Some readers take a line end within quotes for a part of the value.
            (State::Quoted | State::Escaped, b'\r') => return Err(Violation::ChunkQuote),
            (State::Extension | State::Quoted | State::Escaped, _) => self.extension_byte(byte)?,
            (State::SizeLf, b'\n') => self.end_size_line(),
            (State::SizeLf, _) => return Err(Violation::BareCr),
            (State::DataCr, b'\r') => self.state = State::DataLf,
            (State::DataLf, b'\n') => self.state = State::Size,
            (State::DataCr | State::DataLf, _) => return Err(Violation::ChunkEnd),
            (State::Trailers, _) => {
                if self.trailers.byte(byte)? {
                    self.state = State::End;
                }
            }
            (State::Data | State::End, _) => (),
        }
        Ok(())
    }

    /// RFC 9112 §7.1.1 has recipients parse blanks before an extension; they are refused here, as
    /// readers differ on what they end.
    fn size_byte(&mut self, byte: u8) -> Result<(), Violation> {
        match (char::from(byte).to_digit(16), byte) {
            (Some(_), _) if self.digits == DIGITS_MAX => return Err(Violation::ChunkSize),
            (Some(digit), _) => {
                self.digits += 1;
                self.line += 1;
                self.size = self.size << 4 | u64::from(digit);
            }
            (None, b'\n') => return Err(Violation::BareLf),
            (None, b'\r') if self.digits > 0 => self.state = State::SizeLf,
            (None, b';') if self.digits > 0 => {
                self.state = State::Extension;
                self.extension_byte(byte)?;
            }
            (None, _) => return Err(Violation::ChunkSize),
        }
        Ok(())
    }

    fn extension_byte(&mut self, byte: u8) -> Result<(), Violation> {
        if byte.is_ascii_control() && byte != b'\t' {
            return Err(field::control(byte));
        }
        self.line += 1;
        self.extensions += 1;
        if self.line > limits::CHUNK_LINE_MAX {
            return Err(Violation::ChunkLineTooLong);
        }
        if self.extensions > limits::CHUNK_EXTENSIONS_MAX {
            return Err(Violation::ChunkExtensionsTooLong);
        }
        self.state = match (self.state, byte) {
            (State::Extension, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::Extension,
            (State::Quoted, b'\\') => State::Escaped,
            (State::Escaped, _) => State::Quoted,
            (state, _) => state,
        };
        Ok(())
    }

    fn end_size_line(&mut self) {
        self.digits = 0;
        self.line = 0;
        self.state = if self.size == 0 {
            State::Trailers
        } else {
            State::Data
        };
    }
}

/// The trailer section (RFC 9112 §7.1.2), held to the rules of a head's fields.
#[derive(Debug, Default)]
struct Trailers {
    place: Place,
    bytes: usize,
    fields: usize,
    name: [u8; NAME_KEPT],
    name_length: usize,
}

/// Where in a trailer line the next byte is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Name,
    Value,
    ValueLf,
    LastLf,
}

impl Trailers {
    /// Takes a byte; true when it ends the section.
    fn byte(&mut self, byte: u8) -> Result<bool, Violation> {
        self.bytes += 1;
        if self.bytes > limits::TRAILERS_MAX {
            return Err(Violation::TrailersTooLarge);
        }
        match (self.place, byte) {
            (Place::Start, b'\r') => self.place = Place::LastLf,
            (Place::Start, _) => self.start_line(byte)?,
            (Place::Name, b':') => self.end_name()?,
            (Place::Name, _) => self.name_byte(byte)?,
            (Place::Value, b'\r') => self.place = Place::ValueLf,
            (Place::Value, b'\t') => (),
            (Place::Value, _) if byte.is_ascii_control() => return Err(field::control(byte)),
            (Place::Value, _) => (),
            (Place::ValueLf, b'\n') => self.place = Place::Start,
            (Place::LastLf, b'\n') => return Ok(true),
            (Place::ValueLf | Place::LastLf, _) => return Err(Violation::BareCr),
        }
        Ok(false)
    }

    fn start_line(&mut self, byte: u8) -> Result<(), Violation> {
        match byte {
            b' ' | b'\t' => return Err(Violation::ObsFold),
            b':' => return Err(Violation::EmptyName),
            _ => self.name_length = 0,
        }
        self.place = Place::Name;
        self.name_byte(byte)?;
        self.fields += 1;
        if self.fields > limits::FIELDS_MAX {
            return Err(Violation::TooManyFields);
        }
        Ok(())
    }

    fn name_byte(&mut self, byte: u8) -> Result<(), Violation> {
        match byte {
            _ if field::is(TOKEN, byte) => (),
            b' ' | b'\t' => return Err(Violation::SpaceBeforeColon),
            b'\r' => return Err(Violation::NoColon),
            _ if byte.is_ascii_control() => return Err(field::control(byte)),
            _ => return Err(Violation::NameByte),
        }
        if let Some(kept) = self.name.get_mut(self.name_length) {
            *kept = byte;
        }
        self.name_length += 1;
        Ok(())
    }

    fn end_name(&mut self) -> Result<(), Violation> {
        // A name longer than what is kept is none of those refused.
        let name = self.name.get(..self.name_length).unwrap_or_default();
        if REFUSED
            .iter()
            .any(|refused| name.eq_ignore_ascii_case(refused))
        {
            return Err(Violation::TrailerField);
        }
        self.place = Place::Value;
        Ok(())
    }
}
