//! The fields of a head or a trailer section.

use super::{Framing, NoHead, is_token, number};

/// About one hop, whatever Connection says (RFC 9110 §7.6.1).
const HOP: [&str; 6] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Not for Connection to take away.
const KEPT: [&str; 4] = ["host", "content-length", "via", "trailer"];

/// Names in lower case and their values, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, Vec<u8>)>);

impl Fields {
    pub(super) fn read(lines: &[&[u8]], most: usize) -> Result<Self, NoHead> {
        if lines.len() > most {
            return Err(NoHead::Broken);
        }
        let field = |line: &&[u8]| {
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = line.split_at(colon.ok_or(NoHead::Broken)?);
            if !is_token(name) {
                return Err(NoHead::Broken);
            }
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            Ok((name, value[1..].trim_ascii().to_vec()))
        };
        lines.iter().map(field).collect::<Result<_, _>>().map(Self)
    }

    /// The values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.0.iter().filter(move |field| field.0 == name);
        named.map(|field| field.1.as_slice())
    }

    /// The members of a list, in lower case.
    pub fn members(&self, name: &str) -> Vec<String> {
        let members = self
            .all(name)
            .flat_map(|value| value.split(|byte| *byte == b','));
        let text =
            |member: &[u8]| String::from_utf8_lossy(member.trim_ascii()).to_ascii_lowercase();
        members.map(text).collect()
    }

    /// Whether a list has that member.
    pub fn has(&self, name: &str, member: &str) -> bool {
        self.members(name).iter().any(|one| one == member)
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|field| field.0 != name);
    }

    /// Takes the last field of that name out.
    pub fn take_last(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.0.iter().rposition(|field| field.0 == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn push(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Without those of one hop, and without what says where the body ends.
    pub fn end_to_end(&self) -> Self {
        let named = self.members("connection");
        let mut fields = self.clone();
        for name in named.iter().filter(|name| !KEPT.contains(&name.as_str())) {
            fields.remove(name);
        }
        HOP.iter().for_each(|name| fields.remove(name));
        fields.remove("content-length");
        fields
    }

    /// In an order of their own: only that of one field's values means something.
    pub fn sorted(mut self) -> Self {
        self.0.sort_by(|one, other| one.0.cmp(&other.0));
        self
    }

    /// Whether each is one of `other`.
    pub fn are_among(&self, other: &Self) -> bool {
        self.0.iter().all(|field| other.0.contains(field))
    }

    pub(super) fn framing(&self, is_11: bool) -> Result<Framing, NoHead> {
        let lengths: Vec<_> = self.all("content-length").collect();
        let codings: Vec<_> = self.all("transfer-encoding").collect();
        match (&lengths[..], &codings[..]) {
            ([], []) => Ok(Framing::Unsaid),
            // What hyper can count.
            ([length], []) => number(length)
                .filter(|length| *length <= u64::MAX - 2)
                .map(Framing::Length)
                .ok_or(NoHead::Broken),
            ([], [coding]) if is_11 && coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(Framing::Chunked)
            }
            _ => Err(NoHead::Broken),
        }
    }
}
