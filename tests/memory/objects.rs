//! The smaller objects, each made by itself.

use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData,
    SignatureAlgorithm,
};

use crate::egret::Egret;
use crate::support::certs::{Ca, Spec};
use crate::support::crl::Crl;
use crate::upstreams::World;
use crate::{alone, assert_honest, config_of, heap};
use ::egret::identity::clock::{Clock, SystemClock};
use ::egret::identity::{DefaultRoots, Identity, pem};
use ::egret::limits;
use ::egret::upstream::pool::Slots;
use ::egret::upstream::resolver::{Lookup, Resolver};

/// As large as what waits in the proxy: what is wanted, and a connection that may be offered.
type Wanted = [usize; 2];
type Offered = [usize; 32];

#[test]
fn a_place_in_the_line_takes_no_more_than_its_constant() {
    let _alone = alone();
    const PLACES: usize = 64;
    let line = heap::measure(|| {
        let slots = Slots::<Wanted, Offered>::new(1, PLACES);
        let places: Vec<_> = (0..PLACES).map(|_| slots.wait([0; 2])).collect();
        (slots, places)
    });
    assert_honest("a request waiting", line / PLACES, limits::WAITING_BYTES);
}

/// Knows eight addresses of every name.
struct Everything;

impl Lookup for Everything {
    fn lookup(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Ok((0..8)
            .map(|n| Ipv6Addr::from(n + (1 << 100)).into())
            .collect())
    }
}

#[test]
fn a_host_name_takes_no_more_than_its_constant() {
    let _alone = alone();
    let label = "n".repeat(60);
    let name = |n| format!("{n:04}.{label}.{label}.{label}.{}", "x".repeat(60));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build_local(Default::default());
    let runtime = runtime.expect("a runtime");
    let held_after = |count: usize| {
        let before = heap::live();
        heap::counted_everywhere(|| {
            let resolver = Resolver::new(Arc::new(Everything), Duration::from_secs(9));
            runtime.block_on(async {
                for n in 0..count {
                    resolver.resolve(&name(n)).await.expect("an address");
                }
            });
            let held = heap::quiet() - before;
            drop(resolver);
            held
        })
    };
    // What a first lookup leaves behind for good is not the table's.
    held_after(1);
    let each = held_after(limits::DNS_NAMES) / limits::DNS_NAMES;
    assert_honest("a host name", each, limits::DNS_NAME_BYTES);
}

/// An RSA key of 4096 bits, as roots have them, in which no secret is.
struct LargeKey(Vec<u8>);

impl PublicKeyData for LargeKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

fn root(number: usize) -> String {
    let mut modulus = vec![0x30, 0x82, 2, 10, 2, 0x82, 2, 1, 0];
    modulus.resize(9 + 512, 0xa5);
    modulus.extend([2, 3, 1, 0, 1]);
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = &mut params.distinguished_name;
    name.push(DnType::CountryName, "XX");
    name.push(DnType::OrganizationName, "An Authority With A Long Name");
    name.push(
        DnType::OrganizationalUnitName,
        "For Those Who Are Authorized Only",
    );
    name.push(
        DnType::CommonName,
        format!("An Authority's Root Certificate {number:03}"),
    );
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::from_params(&params, key);
    let root = params.signed_by(&LargeKey(modulus), &issuer);
    root.expect("a root").pem()
}

#[test]
fn a_root_takes_no_more_than_its_constant_and_reading_it_no_more_than_its_own() {
    const ROOTS: usize = 150;
    let _alone = alone();
    let world = World::new();
    let bundle: String = (0..ROOTS).map(root).collect();
    let file = world.dir.write("bundle.crt", &bundle);
    heap::forget_peak();
    let before = heap::live();
    let load = || pem::load_roots(Some(&file)).expect("roots");
    let held = heap::measure(load);
    let read = heap::peak() - before - held;
    assert_eq!(load().count, ROOTS);
    assert_honest("a root", held / ROOTS, limits::ROOT_BYTES);
    assert_honest("reading a root", read / ROOTS, limits::ROOT_READ_BYTES);
}

#[test]
fn a_kib_of_revocation_lists_takes_no_more_than_its_constants() {
    const REVOKED: u32 = 40_000;
    let _alone = alone();
    let world = World::new();
    let ca = Ca::new("servers");
    // The shortest entries take most beside their bytes.
    let serials = (1..=REVOKED).map(|number| number.to_be_bytes()[1..].to_vec());
    let list = Crl::default().revoke_serials(serials).of(&ca);
    let file = world.dir.file("a.crl");
    fs::write(&file, list.der()).expect("a file");
    let kib = list.der().len().div_ceil(1024);
    assert!(kib > 800 && kib <= 1024, "{kib} KiB");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut peak = 0;
    let mut held = |option: &str| {
        let config = config_of(&world.options(option), "to=https://a,identity=x");
        let roots = DefaultRoots::new(config.ca.clone());
        let one = config.identities.last().expect("an identity");
        heap::forget_peak();
        let before = heap::live();
        let held = heap::measure(|| {
            let identity = Identity::new(one.clone());
            let epoch = identity.load(&roots, &clock).expect("good files");
            (identity, epoch)
        });
        peak = heap::peak() - before - held;
        held
    };
    let without = held("x");
    let with = held(&format!("x,crl={}", file.display()));
    let each = (with - without) / kib;
    assert_honest("a KiB of CRLs", each, limits::CRL_KIB_BYTES);
    assert_honest("reading a KiB", peak / kib, limits::CRL_KIB_READ_BYTES);
}

#[test]
fn an_identity_takes_no_more_than_its_constant() {
    let _alone = alone();
    let world = World::new();
    // A long certificate of our own: 16 KiB.
    let label = "n".repeat(60);
    let names: Vec<_> = (0..75)
        .map(|n| format!("{n:03}.{label}.{label}.{label}"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let leaf = Ca::new("devices").issue(&Spec::server(&names));
    let option = world.dir.identity("x", &leaf);
    let config = config_of(&world.options(&option), "to=https://a,identity=x");
    let roots = DefaultRoots::new(config.ca.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let one = config.identities.last().expect("an identity");
    let held = heap::measure(|| {
        let identity = Identity::new(one.clone());
        let epoch = identity.load(&roots, &clock).expect("good files");
        (identity, epoch)
    });
    assert_honest("an identity", held, limits::IDENTITY_BYTES);
}

#[test]
fn a_route_and_the_rest_of_the_program_take_no_more_than_their_constants() {
    const ROUTES: usize = 33;
    let _alone = alone();
    let world = World::new();
    let label = "n".repeat(60);
    let name = format!("{label}.{label}.{label}.example");
    let route = format!(
        "to=https://{name}/{label},identity=none,sni={name},verify={name},host={name},clients=7,\
         from=127.0.0.0/8,from=10.0.0.0/8,path=/{label}"
    );
    let held = |count: usize| {
        let before = heap::live();
        let _egret = Egret::start(&world.options("unused"), &vec![route.clone(); count]);
        heap::quiet() - before
    };
    let one = held(1);
    let each = (held(ROUTES) - one) / (ROUTES - 1);
    assert_honest("a route", each, limits::ROUTE_BYTES);
    assert_honest("the rest of the program", one, limits::PROCESS_BYTES);
}
