//! hyper parses a client's bytes after us, with httparse and the http crate: what we accept they
//! must accept, and see the same in it. Of responses they are a second opinion.

use super::super::*;

fn value<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a [u8]> {
    let same = |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(name);
    assert!(fields.iter().filter(same).count() <= 1, "{name} twice");
    fields.iter().find(same).map(|field| field.value)
}

/// The framing as a reader of the parsed fields finds it.
fn framing(fields: &[httparse::Header<'_>], otherwise: Framing) -> Framing {
    let length = value(fields, "content-length").map(|v| String::from_utf8_lossy(v).parse());
    match (value(fields, "transfer-encoding"), length) {
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
        (None, Some(Ok(length))) => Framing::Length(length),
        (None, None) => otherwise,
        other => panic!("{other:?}"),
    }
}

fn fields_are_legal(fields: &[httparse::Header<'_>]) {
    for field in fields {
        assert!(http::HeaderName::from_bytes(field.name.as_bytes()).is_ok());
        assert!(http::HeaderValue::from_bytes(field.value).is_ok());
    }
}

pub(super) fn request(bytes: &[u8], head: &RequestHead) {
    let mut fields = [httparse::EMPTY_HEADER; limits::FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    let status = parsed.parse(bytes);
    assert_eq!(
        status,
        Ok(httparse::Status::Complete(bytes.len())),
        "{}",
        bytes.escape_ascii()
    );
    let target = &bytes[head.target.clone()];
    let method = &bytes[head.method.clone()];
    assert_eq!(parsed.method.map(str::as_bytes), Some(method));
    assert_eq!(parsed.path.map(str::as_bytes), Some(target));
    assert_eq!(parsed.version == Some(1), head.version == Version::Http11);
    assert_eq!(framing(parsed.headers, Framing::None), head.framing);
    fields_are_legal(parsed.headers);
    assert!(http::Method::from_bytes(method).is_ok());
    let uri = http::Uri::try_from(target);
    assert_eq!(
        uri.is_err(),
        head.refused_by_uri,
        "{}",
        target.escape_ascii()
    );
    let authority = uri.as_ref().is_ok_and(|uri| uri.authority().is_some());
    let named = matches!(head.form, TargetForm::Absolute | TargetForm::Authority);
    assert_eq!(
        authority,
        named && !head.refused_by_uri,
        "{}",
        target.escape_ascii()
    );
}

pub(super) fn response(bytes: &[u8], head: &ResponseHead) {
    let mut fields = [httparse::EMPTY_HEADER; limits::FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut fields);
    let status = parsed.parse(bytes);
    assert_eq!(
        status,
        Ok(httparse::Status::Complete(bytes.len())),
        "{}",
        bytes.escape_ascii()
    );
    assert_eq!(parsed.code, Some(head.status));
    assert_eq!(parsed.version == Some(1), head.version == Version::Http11);
    assert_eq!(framing(parsed.headers, Framing::UntilClose), head.framing);
    fields_are_legal(parsed.headers);
}
