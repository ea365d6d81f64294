//! Pins and revocation lists as openssl makes them.
#![cfg(feature = "peers")]

mod peers;
mod support;

use peers::openssl::sh;
use support::certs::{Dir, Leaf};
use support::client::{self, Response};
use support::egret::Egret;
use support::upstream::Upstream;

/// How README tells to make a pin.
const PIN: &str = "openssl x509 -in server.crt -pubkey -noout | openssl pkey -pubin -outform der \
                   | openssl dgst -sha256 -binary | base64";
const README: &str = include_str!("../README.md");

/// An authority with a database, and a server.
const AUTHORITY: &str = "
    key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $1.key; }
    key ca; key server
    openssl req -x509 -new -key ca.key -out ca.crt -days 9 -subj /CN=authority
    openssl req -new -key server.key -out server.csr -subj /CN=server
    echo subjectAltName=DNS:localhost > names
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 0x5B2A -days 9 \
            -extfile names -out server.crt
    cat > v1.cnf <<END
[ca]
default_ca = lists
[lists]
database = index.txt
default_md = sha256
default_crl_days = 1
END
    cp v1.cnf v2.cnf
    echo crlnumber = number >> v2.cnf
    touch index.txt
    echo 01 > number
    openssl ca -config v1.cnf -gencrl -keyfile ca.key -cert ca.crt -out v1.crl
    openssl ca -config v2.cnf -gencrl -keyfile ca.key -cert ca.crt -out none.crl
    openssl ca -config v2.cnf -revoke server.crt -crl_reason keyCompromise -keyfile ca.key \
            -cert ca.crt
    openssl ca -config v2.cnf -gencrl -keyfile ca.key -cert ca.crt -out revoking.crl
    for list in none revoking; do
        openssl crl -in $list.crl -outform der -out $list.der
        openssl crl -in $list.crl -text -out $list.txt
    done";

struct Authority(Dir);

impl Authority {
    fn new() -> Self {
        let dir = Dir::new();
        sh(dir.path(), AUTHORITY);
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.file(name).display().to_string()
    }

    fn ask(&self, keys: &str) -> Response {
        let leaf = Leaf::load(&self.0.file("server.crt"), &self.0.file("server.key"));
        let upstream = Upstream::builder(&leaf.expect("a server's files")).start();
        let egret = Egret::builder(env!("CARGO_BIN_EXE_egret"))
            .ca(&self.path("ca.crt"))
            .identity(&format!("x,{keys}"))
            .route(&format!("to={},identity=x", upstream.url()))
            .start();
        client::get(egret.addr(0), "/")
    }
}

#[test]
fn lists_of_openssl_are_read_in_every_form() {
    let authority = Authority::new();
    for form in ["crl", "der", "txt"] {
        let list = |name: &str| authority.path(&format!("{name}.{form}"));
        let answer = authority.ask(&format!("crl={}", list("none")));
        assert_eq!(answer.status, 200, "{form}: {}", answer.text());
        let text = authority.ask(&format!("crl={}", list("revoking"))).text();
        let start = "trusted: \"CN=server\" (serial 5B2A) is revoked since 20";
        assert!(text.contains(start), "{form}: {text}");
        let end = "(keyCompromise), says the revocation list of \"CN=authority\"; ";
        assert!(text.contains(end), "{form}: {text}");
    }
}

#[test]
fn a_list_of_version_1_says_how_to_make_one_of_version_2() {
    let authority = Authority::new();
    let answer = authority.ask(&format!("crl={},alpn=", authority.path("none.crl")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let ended = Egret::builder(env!("CARGO_BIN_EXE_egret"))
        .arg("check")
        .ca(&authority.path("ca.crt"))
        .identity(&format!("x,crl={}", authority.path("v1.crl")))
        .route("to=https://a.example,identity=x")
        .run();
    assert_eq!(ended.code(), Some(3));
    let told = "v1.crl: revocation list 1 is of version 1; make one of version 2: openssl ca \
                -gencrl, with crlnumber= in its configuration\n";
    assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
}

#[test]
fn the_pin_that_openssl_tells_is_the_servers() {
    assert!(README.contains(PIN), "README tells another way");
    let authority = Authority::new();
    let pin = sh(authority.0.path(), PIN);
    let answer = authority.ask(&format!("pin=sha256/{}", pin.trim()));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = authority.ask("pin=sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let told = format!("add pin=sha256/{pin}");
    assert!(text.text().ends_with(&told), "{}", text.text());
}

#[test]
fn what_openssl_req_x509_makes_is_trusted_by_its_pin() {
    let authority = Authority::new();
    sh(
        authority.0.path(),
        "openssl req -x509 -new -key server.key -out server.crt -days 9 -subj /CN=box \
         -addext subjectAltName=DNS:localhost",
    );
    let pin = sh(authority.0.path(), PIN);
    let keys = format!("ca=pin,pin=sha256/{}", pin.trim());
    let answer = authority.ask(&keys);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = authority.ask(&format!("ca={}", authority.path("server.crt")));
    let told = format!("trust its key in place of ca=FILE: {keys}\n");
    assert!(text.text().ends_with(&told), "{}", text.text());
}
