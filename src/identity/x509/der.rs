//! Just enough of DER (X.690) to look into certificates and keys.
//!
//! Nothing is trusted because it was read here: rustls and ring read everything that matters again,
//! strictly. A length that leaves its enclosure, an indefinite length or a tag above 30 is `None`.

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// SEQUENCE, SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET, SET OF.
pub const SET: u8 = 0x31;

/// The tag of a constructed `[number]`.
pub const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// Its identifier octet.
    pub tag: u8,
    /// What it holds.
    pub content: &'a [u8],
    /// The same with identifier and length.
    pub whole: &'a [u8],
}

/// Takes one value after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Whether every value was taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever its tag.
    pub fn any(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = length(rest)?;
        let content = rest.get(..length)?;
        let whole = self.0.get(..self.0.len() - rest.len() + length)?;
        self.0 = rest.get(length..)?;
        Some(Value {
            tag,
            content,
            whole,
        })
    }

    /// The content of the next value if it has this tag; any other value stays.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.any().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value.content)
    }
}

/// All values of `bytes`; `None` when one is malformed.
pub fn values(bytes: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut reader = Reader(bytes);
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(reader.any()?);
    }
    Some(all)
}

/// The content of the one value of this tag that `bytes` is.
pub fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(bytes);
    let content = reader.take(tag)?;
    reader.is_empty().then_some(content)
}

/// The number of bits of a non-negative INTEGER's content.
pub fn bits(integer: &[u8]) -> usize {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    match integer.get(zeros) {
        Some(first) => (integer.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

/// An OBJECT IDENTIFIER's content as `1.2.840.113549`.
pub fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<String> = Vec::new();
    let mut arc: u64 = 0;
    for byte in oid {
        arc = arc
            .saturating_mul(128)
            .saturating_add(u64::from(byte & 0x7f));
        if byte & 0x80 != 0 {
            continue;
        }
        if arcs.is_empty() {
            // The first octets hold two arcs; the first of them is 0, 1 or 2 (X.690 §8.19.4).
            let first = (arc / 40).min(2);
            arcs.push(first.to_string());
            arc -= first * 40;
        }
        arcs.push(arc.to_string());
        arc = 0;
    }
    arcs.join(".")
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let octets = usize::from(first & 0x7f);
    if octets == 0 || octets > 4 {
        return None;
    }
    let (length, rest) = rest.split_at_checked(octets)?;
    let length = length
        .iter()
        .fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    Some((usize::try_from(length).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_its_enclosure_is_refused() {
        assert!(Reader(&[0x04, 0x02, 0x00]).any().is_none());
        assert!(
            Reader(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff])
                .any()
                .is_none()
        );
    }

    #[test]
    fn an_indefinite_length_is_refused() {
        assert!(Reader(&[0x30, 0x80, 0x00, 0x00]).any().is_none());
    }

    #[test]
    fn a_value_of_another_tag_stays() {
        let mut reader = Reader(&[0x02, 0x01, 0x05]);
        assert_eq!(reader.take(OID), None);
        assert_eq!(reader.take(INTEGER), Some(&[5u8][..]));
    }

    #[test]
    fn an_object_identifier_reads_as_people_write_it() {
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]),
            "1.2.840.113549"
        );
        assert_eq!(dotted(&[0x55, 0x04, 0x03]), "2.5.4.3");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
    }

    #[test]
    fn bits_do_not_count_leading_zeros() {
        assert_eq!(bits(&[0x00, 0x80]), 8);
        assert_eq!(bits(&[0x01, 0x00]), 9);
        assert_eq!(bits(&[0x00]), 0);
    }
}
