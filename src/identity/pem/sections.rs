//! The text of a PEM file (RFC 7468): blocks with their lines, and what is wrong with them.

use std::fmt;

use rustls_pemfile::Item;

use super::error::{Cause, Foreign};
use crate::identity::x509;
use crate::identity::x509::der::{self, Reader};

/// What a block holds, by its label; the more it tells about a mistake, the later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Anything else, by its label.
    Other(String),
    /// `EC PARAMETERS`, `DH PARAMETERS`.
    Parameters,
    /// `PGP …`.
    Pgp,
    /// `PKCS7`, `CMS`.
    Pkcs7,
    /// `X509 CRL`.
    Crl,
    /// `CERTIFICATE`.
    Certificate,
    /// `… PRIVATE KEY`, encrypted or not.
    PrivateKey,
    /// `PUBLIC KEY`, `RSA PUBLIC KEY`.
    PublicKey,
    /// `CERTIFICATE REQUEST`, `NEW CERTIFICATE REQUEST`.
    Request,
    /// `TRUSTED CERTIFICATE`, `X509 CERTIFICATE`.
    OpensslCertificate,
}

impl Kind {
    fn of(label: &str) -> Self {
        match label {
            "CERTIFICATE" => Self::Certificate,
            "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => Self::OpensslCertificate,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::Request,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::PublicKey,
            "X509 CRL" => Self::Crl,
            "PKCS7" | "CMS" => Self::Pkcs7,
            label if label.starts_with("PGP ") => Self::Pgp,
            label if label.ends_with("PRIVATE KEY") => Self::PrivateKey,
            label if label.ends_with(" PARAMETERS") => Self::Parameters,
            label => Self::Other(label.to_owned()),
        }
    }
}

/// From a `-----BEGIN LABEL-----` to its `-----END LABEL-----`.
#[derive(Clone, PartialEq, Eq)]
pub struct Block<'a> {
    /// `CERTIFICATE`, `PRIVATE KEY`, …
    pub label: &'a str,
    /// What that means.
    pub kind: Kind,
    /// The line of its beginning, counted from 1.
    pub line: usize,
    text: &'a [u8],
}

impl fmt::Debug for Block<'_> {
    /// The text may be a key: it is not printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:?}, line {})", self.label, self.line)
    }
}

impl Block<'_> {
    /// Decodes it.
    ///
    /// # Errors
    /// [`Cause::BadBase64`]; also for a label that is not known.
    pub fn decode(&self) -> Result<Item, Cause> {
        match rustls_pemfile::read_one_from_slice(self.text) {
            Ok(Some((item, _))) => Ok(item),
            Ok(None) | Err(_) => Err(Cause::BadBase64 {
                line: self.bad_line(),
            }),
        }
    }

    /// Whether its body is encrypted in the way of RFC 1421 §4.6.1.1.
    pub fn has_encryption_header(&self) -> bool {
        self.body()
            .any(|(_, line)| line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED"))
    }

    /// The lines between BEGIN and END with their numbers, without white space at the end.
    fn body(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.text
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_end)
            .zip(self.line..)
            .map(|(text, line)| (line, text))
            .filter(|(_, text)| !text.starts_with(b"-----"))
    }

    /// The first line with a character that is not base64, else (a wrong length) the last.
    fn bad_line(&self) -> usize {
        let is_base64 = |byte: &u8| {
            byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=".contains(byte)
        };
        self.body()
            .find(|(_, text)| !text.iter().all(is_base64))
            .or_else(|| self.body().filter(|(_, text)| !text.is_empty()).last())
            .map_or(self.line, |(line, _)| line)
    }
}

/// Finds the blocks of a PEM file; text around them is passed over. There is at least one.
///
/// # Errors
/// What is wrong with the text, or why there is no block in it.
pub fn blocks(file: &[u8]) -> Result<Vec<Block<'_>>, Cause> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let mut blocks = Vec::new();
    let mut open: Option<Begin<'_>> = None;
    let mut indented = None;
    let mut offset = 0;
    for (line, text) in (1..).zip(file.split_inclusive(|byte| *byte == b'\n')) {
        // Files that were put together may each begin with one.
        let unmarked = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        offset += text.len();
        let start = offset - unmarked.len();
        let text = unmarked.trim_ascii_end();
        if text.starts_with(BEGIN) {
            if let Some(begin) = open {
                return Err(begin.has_no_end());
            }
            let label = label_of(text).ok_or(Cause::BadBegin { line })?;
            open = Some(Begin { label, line, start });
        } else if text.starts_with(END) {
            if let Some(begin) = open.take() {
                blocks.push(begin.close(text, file.get(begin.start..offset))?);
            }
        } else if text.trim_ascii_start().starts_with(BEGIN) && indented.is_none() {
            indented = Some(Cause::Indented { line });
        }
    }
    match (open, indented) {
        (Some(begin), _) => Err(begin.has_no_end()),
        (None, _) if !blocks.is_empty() => Ok(blocks),
        (None, Some(indented)) => Err(indented),
        (None, None) if file.trim_ascii().is_empty() => Err(Cause::Empty),
        (None, None) => Err(Cause::NotPem(foreign(file))),
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

#[derive(Clone, Copy)]
struct Begin<'a> {
    label: &'a str,
    line: usize,
    start: usize,
}

impl<'a> Begin<'a> {
    fn close(self, end: &[u8], text: Option<&'a [u8]>) -> Result<Block<'a>, Cause> {
        let rest = end
            .strip_prefix(END)
            .and_then(|end| end.strip_prefix(self.label.as_bytes()));
        match (rest, text) {
            (Some(rest), Some(text)) if rest.starts_with(b"-----") => Ok(Block {
                label: self.label,
                kind: Kind::of(self.label),
                line: self.line,
                text,
            }),
            _ => Err(self.has_no_end()),
        }
    }

    fn has_no_end(self) -> Cause {
        Cause::NoEnd {
            line: self.line,
            label: self.label.to_owned(),
        }
    }
}

fn label_of(begin: &[u8]) -> Option<&str> {
    let label = begin.strip_prefix(BEGIN)?.strip_suffix(b"-----")?;
    std::str::from_utf8(label).ok()
}

/// Recognises the binary formats that certificates and keys come in.
fn foreign(file: &[u8]) -> Foreign {
    match file {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Foreign::Utf16,
        [0xfe, 0xed, 0xfe, 0xed, ..] => Foreign::JavaKeyStore,
        _ => foreign_der(file).unwrap_or(Foreign::Unknown),
    }
}

fn foreign_der(file: &[u8]) -> Option<Foreign> {
    const PKCS12_VERSION: &[u8] = &[3];
    let first = Reader(Reader(file).take(der::SEQUENCE)?).any()?;
    Some(match first.tag {
        der::INTEGER if first.content == PKCS12_VERSION => Foreign::Pkcs12,
        der::INTEGER => Foreign::DerKey,
        der::OID => Foreign::Pkcs7,
        // EncryptedPrivateKeyInfo begins with an algorithm (RFC 5958 §3), a certificate does not.
        der::SEQUENCE if first.content.first() == Some(&der::OID) => Foreign::DerKey,
        der::SEQUENCE if x509::is_crl(file) => Foreign::DerCrl,
        der::SEQUENCE => Foreign::DerCertificate,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    fn cause(text: &str) -> Cause {
        blocks(text.as_bytes()).unwrap_err()
    }

    fn bad_line(text: &str) -> Cause {
        blocks(text.as_bytes()).unwrap()[0].decode().unwrap_err()
    }

    #[test]
    fn text_around_blocks_is_passed_over() {
        let text = format!("\u{feff}{BLOCK}Bag Attributes\n    friendlyName: x\n{BLOCK}-- \n");
        let blocks = blocks(text.as_bytes()).unwrap();
        let lines: Vec<_> = blocks.iter().map(|block| block.line).collect();
        assert_eq!(lines, [1, 6]);
        assert!(blocks.iter().all(|block| block.decode().is_ok()));
    }

    #[test]
    fn files_put_together_are_all_read_though_each_begins_with_a_mark() {
        let text = format!("\u{feff}{BLOCK}\u{feff}{BLOCK}");
        let blocks = blocks(text.as_bytes()).unwrap();
        let lines: Vec<_> = blocks.iter().map(|block| block.line).collect();
        assert_eq!(lines, [1, 4]);
        assert!(blocks.iter().all(|block| block.decode().is_ok()));
    }

    #[test]
    fn carriage_returns_and_a_missing_last_newline_do_not_matter() {
        let text = BLOCK.trim_end().replace('\n', "\r\n");
        assert!(blocks(text.as_bytes()).unwrap()[0].decode().is_ok());
    }

    #[test]
    fn a_block_without_end_is_truncated() {
        let no_end = |line| Cause::NoEnd {
            line,
            label: "CERTIFICATE".to_owned(),
        };
        assert_eq!(cause("-----BEGIN CERTIFICATE-----\nAAAA\n"), no_end(1));
        assert_eq!(
            cause(&format!("\n-----BEGIN CERTIFICATE-----\n{BLOCK}")),
            no_end(2)
        );
        assert_eq!(
            cause("-----BEGIN CERTIFICATE-----\n-----END X-----\n"),
            no_end(1)
        );
        assert_eq!(
            cause("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE--\n"),
            no_end(1)
        );
    }

    #[test]
    fn a_begin_line_needs_five_dashes_and_no_spaces_before_it() {
        assert_eq!(
            cause("\n-----BEGIN CERTIFICATE---\n"),
            Cause::BadBegin { line: 2 }
        );
        let indented = BLOCK
            .replace("-----B", "  -----B")
            .replace("-----E", "  -----E");
        assert_eq!(cause(&indented), Cause::Indented { line: 1 });
    }

    #[test]
    fn bad_base64_is_told_with_its_line() {
        let bad = BLOCK.replace("AAAA", "AAAA\nAA!A\nAAAA");
        assert_eq!(bad_line(&bad), Cause::BadBase64 { line: 3 });
        let short = BLOCK.replace("AAAA", "AAAA\nA");
        assert_eq!(bad_line(&short), Cause::BadBase64 { line: 3 });
    }

    #[test]
    fn files_that_are_no_pem_are_recognised() {
        let of = |bytes: &[u8]| blocks(bytes).unwrap_err();
        assert_eq!(of(b""), Cause::Empty);
        assert_eq!(of(b"\xef\xbb\xbf \r\n"), Cause::Empty);
        assert_eq!(of(b"hello\n"), Cause::NotPem(Foreign::Unknown));
        assert_eq!(of(b"\xff\xfe-\0"), Cause::NotPem(Foreign::Utf16));
        assert_eq!(
            of(b"\xfe\xed\xfe\xed\0"),
            Cause::NotPem(Foreign::JavaKeyStore)
        );
        assert_eq!(of(&[0x30, 3, 2, 1, 3]), Cause::NotPem(Foreign::Pkcs12));
        assert_eq!(of(&[0x30, 3, 2, 1, 0]), Cause::NotPem(Foreign::DerKey));
        assert_eq!(
            of(&[0x30, 4, 0x30, 2, 6, 0]),
            Cause::NotPem(Foreign::DerKey)
        );
        assert_eq!(of(&[0x30, 3, 6, 1, 0]), Cause::NotPem(Foreign::Pkcs7));
        assert_eq!(
            of(&[0x30, 5, 0x30, 3, 2, 1, 0]),
            Cause::NotPem(Foreign::DerCertificate)
        );
    }
}
