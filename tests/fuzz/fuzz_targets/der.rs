//! Certificates, names and revocation lists for people: what is shown prints, and says what another
//! reader of DER says.

#![no_main]

use egret::identity::x509;
use egret_fuzz::text::assert_prints;
use x509_parser::prelude::{FromDer, X509Certificate};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    certificate(data);
    crl(data);
    for text in [x509::name(data), x509::printable(data)] {
        assert_prints(&text);
    }
    if let Some(organisation) = x509::organisation(data) {
        assert!(organisation.len() < data.len());
    }
    if let Some(key) = x509::PublicKey::read(data) {
        assert_prints(&key.to_string());
    }
});

fn certificate(data: &[u8]) {
    x509::says_where_its_issuer_is(data);
    let Ok(spki) = x509::spki(data) else {
        assert!(x509::summarize(data).is_err());
        return;
    };
    let issuer = x509::issuer(data).expect("a certificate");
    let subject = x509::subject(data).expect("a certificate");
    if let Ok(summary) = x509::summarize(data) {
        let texts = [&summary.subject, &summary.issuer, &summary.key];
        texts
            .into_iter()
            .chain(&summary.sans)
            .for_each(|text| assert_prints(text));
        assert_eq!(
            x509::validity(data),
            Ok((summary.not_before, summary.not_after))
        );
        assert_eq!(summary.self_issued, issuer == subject);
        for time in [summary.not_before, summary.not_after] {
            assert_time(time);
        }
    }
    let Ok((rest, other)) = X509Certificate::from_der(data) else {
        return;
    };
    assert!(rest.is_empty(), "bytes behind a certificate");
    // Theirs ends where what is within no longer reads as a name, or a key.
    assert!(spki.starts_with(other.public_key().raw));
    assert!(issuer.starts_with(other.issuer().as_raw()));
    assert!(subject.starts_with(other.subject().as_raw()));
    if let Ok(validity) = x509::validity(data) {
        let theirs = (
            other.validity().not_before.timestamp(),
            other.validity().not_after.timestamp(),
        );
        assert_eq!(validity, theirs);
    }
}

fn crl(data: &[u8]) {
    assert_eq!(x509::is_crl(data), x509::summarize_crl(data).is_ok());
    if let Ok(summary) = x509::summarize_crl(data) {
        assert_prints(&summary.issuer);
        assert_time(summary.this_update);
        summary.next_update.into_iter().for_each(assert_time);
    }
}

/// A time as certificates can say it prints as one, and as a distance from another.
fn assert_time(unix: i64) {
    let text = x509::utc(unix);
    assert_eq!(text.len(), "2027-01-31T12:00:00Z".len(), "{text}");
    assert_prints(&x509::relative(unix, 0));
}
