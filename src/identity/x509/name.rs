//! Distinguished names (RFC 5280 §4.1.2.4) and other text of certificates, made fit to be shown.

use super::der::{self, Reader, Value};

/// A DER distinguished name, tag included, as `CN=meter,O=Acme\, Inc.,C=DE`.
///
/// The order is that of RFC 2253 and of `openssl -nameopt RFC2253,-esc_msb,utf8`: the most specific
/// attribute first. What cannot be printed is escaped; what is no name reads `unreadable name`.
pub fn name(der: &[u8]) -> String {
    read(der).unwrap_or_else(|| "unreadable name".to_owned())
}

/// The same, or `None` when `der` is no name.
pub(super) fn read(der: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    for set in der::values(der::only(der::SEQUENCE, der)?)? {
        let mut attributes = Vec::new();
        for attribute in der::values(set.content)? {
            attributes.push(read_attribute(attribute.content)?);
        }
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    Some(parts.join(","))
}

/// Bytes that should be UTF-8 with everything escaped that is not, or that does not print: `\0A`.
pub fn printable(bytes: &[u8]) -> String {
    escaped(bytes, |_| false)
}

/// The value of the organisation (O) in a DER name, as it is encoded; `None`: it names none.
pub fn organisation(der: &[u8]) -> Option<&[u8]> {
    const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
    for set in der::values(der::only(der::SEQUENCE, der)?)? {
        for attribute in der::values(set.content)? {
            let mut reader = Reader(attribute.content);
            if reader.take(der::OID)? == ORGANISATION {
                return Some(reader.any()?.content);
            }
        }
    }
    None
}

fn read_attribute(content: &[u8]) -> Option<String> {
    let mut reader = Reader(content);
    let oid = reader.take(der::OID)?;
    let value = reader.any()?;
    let name = match ATTRIBUTES.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => der::dotted(oid),
    };
    Some(format!("{name}={}", read_value(value)))
}

fn read_value(value: Value<'_>) -> String {
    match value.tag {
        UTF8 | NUMERIC | PRINTABLE | IA5 | VISIBLE => escape_value(value.content),
        TELETEX => escape_value(latin1(value.content).as_bytes()),
        BMP => escape_value(utf16(value.content).as_bytes()),
        UNIVERSAL => escape_value(utf32(value.content).as_bytes()),
        // RFC 2253 §2.4: a value without a string form is `#` and its DER.
        _ => hexadecimal(value.whole),
    }
}

fn latin1(content: &[u8]) -> String {
    content.iter().map(|byte| char::from(*byte)).collect()
}

fn utf16(content: &[u8]) -> String {
    let units = content.chunks(2).map(|pair| {
        pair.iter()
            .fold(0, |unit, byte| unit << 8 | u16::from(*byte))
    });
    char::decode_utf16(units)
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn utf32(content: &[u8]) -> String {
    content
        .chunks(4)
        .map(|four| {
            four.iter()
                .fold(0, |char, byte| char << 8 | u32::from(*byte))
        })
        .map(|char| char::from_u32(char).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::from("#");
    for byte in bytes {
        text.push_str(&format!("{byte:02X}"));
    }
    text
}

/// Escapes what would read as the syntax of a name (RFC 2253 §2.4).
fn escape_value(bytes: &[u8]) -> String {
    let mut text = escaped(bytes, |char| ",+\"<>;".contains(char));
    if text.ends_with(' ') {
        text.insert(text.len() - 1, '\\');
    }
    if text.starts_with([' ', '#']) {
        text.insert(0, '\\');
    }
    text
}

fn escaped(bytes: &[u8], is_syntax: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '\\' || is_syntax(char) {
                text.push('\\');
                text.push(char);
            } else if prints(char) {
                text.push(char);
            } else {
                push_hexadecimal(&mut text, char.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        push_hexadecimal(&mut text, chunk.invalid());
    }
    text
}

fn push_hexadecimal(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str(&format!("\\{byte:02X}"));
    }
}

/// Whether a character shows as itself: no control, no change of direction, no invisible one.
fn prints(char: char) -> bool {
    matches!(char, '\'' | '"') || char.escape_debug().eq([char])
}

const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
const PRINTABLE: u8 = 0x13;
const TELETEX: u8 = 0x14;
const IA5: u8 = 0x16;
const VISIBLE: u8 = 0x1a;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;

/// Attribute types and the names that RFC 2253 §2.3 and openssl give them.
const ATTRIBUTES: [(&[u8], &str); 15] = [
    (&[0x55, 0x04, 0x03], "CN"),
    (&[0x55, 0x04, 0x04], "SN"),
    (&[0x55, 0x04, 0x05], "serialNumber"),
    (&[0x55, 0x04, 0x06], "C"),
    (&[0x55, 0x04, 0x07], "L"),
    (&[0x55, 0x04, 0x08], "ST"),
    (&[0x55, 0x04, 0x09], "street"),
    (&[0x55, 0x04, 0x0a], "O"),
    (&[0x55, 0x04, 0x0b], "OU"),
    (&[0x55, 0x04, 0x0c], "title"),
    (&[0x55, 0x04, 0x2a], "GN"),
    (&[0x55, 0x04, 0x61], "organizationIdentifier"),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01],
        "emailAddress",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19],
        "DC",
    ),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01],
        "UID",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut der = vec![tag, content.len() as u8];
        der.extend(content);
        der
    }

    fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        tlv(0x30, &[tlv(0x06, oid), tlv(tag, value)].concat())
    }

    fn common_name(tag: u8, value: &[u8]) -> String {
        let set = tlv(0x31, &attribute(&[0x55, 0x04, 0x03], tag, value));
        name(&tlv(0x30, &set))
    }

    #[test]
    fn the_most_specific_attribute_comes_first() {
        let country = tlv(0x31, &attribute(&[0x55, 0x04, 0x06], PRINTABLE, b"DE"));
        let both = [
            attribute(&[0x55, 0x04, 0x03], UTF8, b"meter"),
            attribute(&[0x2a, 0x03], UTF8, b"x"),
        ]
        .concat();
        let der = tlv(0x30, &[country, tlv(0x31, &both)].concat());
        assert_eq!(name(&der), "CN=meter+1.2.3=x,C=DE");
    }

    #[test]
    fn the_syntax_of_a_name_is_escaped_inside_a_value() {
        assert_eq!(common_name(UTF8, b"a,b+c=d"), "CN=a\\,b\\+c=d");
        assert_eq!(common_name(UTF8, b"#a b "), "CN=\\#a b\\ ");
        assert_eq!(common_name(UTF8, b"a\\b"), "CN=a\\\\b");
    }

    #[test]
    fn controls_and_changes_of_direction_are_escaped() {
        assert_eq!(
            common_name(UTF8, b"a\nb\x1b[31m\0"),
            "CN=a\\0Ab\\1B[31m\\00"
        );
        assert_eq!(
            common_name(UTF8, "a\u{202e}b".as_bytes()),
            "CN=a\\E2\\80\\AEb"
        );
        assert_eq!(common_name(UTF8, b"a\xffb"), "CN=a\\FFb");
    }

    #[test]
    fn every_string_type_becomes_text() {
        assert_eq!(common_name(UTF8, "Zähler".as_bytes()), "CN=Zähler");
        assert_eq!(common_name(TELETEX, b"Z\xe4hler"), "CN=Zähler");
        assert_eq!(common_name(BMP, &[0x00, b'Z', 0x00, 0xe4]), "CN=Zä");
        assert_eq!(
            common_name(UNIVERSAL, &[0, 0, 0, b'Z', 0, 1, 0xf6, 0x00]),
            "CN=Z😀"
        );
        assert_eq!(common_name(0x04, &[1, 2]), "CN=#04020102");
    }

    #[test]
    fn what_is_no_name_says_so() {
        assert_eq!(name(b""), "unreadable name");
        assert_eq!(name(&[0x30, 0x05, 0x31]), "unreadable name");
        assert_eq!(name(&[0x30, 0x00]), "");
    }
}
