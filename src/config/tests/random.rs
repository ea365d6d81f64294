//! Options out of a random generator.

use super::{ROUTE, clients, flags};
use crate::config::{
    Cidr, Config, ForwardId, IdentityId, Listen, Pattern, RouteId, Serves, UpstreamUrl, build,
};
use crate::flags::Parsed;

/// A forward rule that is sound.
const FORWARD: &str = "3128,to=*,identity=none";

/// xorshift64 (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &'a str) -> &'a str {
        let count = from.split('|').count();
        from.split('|').nth(self.below(count)).unwrap()
    }

    fn words(&mut self) -> Vec<String> {
        let mut words = match self.below(3) {
            0 => vec!["--route".to_owned(), ROUTE.to_owned() + &self.text()],
            1 => vec!["--forward".to_owned(), FORWARD.to_owned() + &self.text()],
            _ => Vec::new(),
        };
        for _ in 0..self.below(6) {
            words.push(match self.below(3) {
                0 => self.pick(WORDS).to_owned(),
                1 => format!("{}={}", self.pick(WORDS), self.text()),
                _ => self.text(),
            });
        }
        // A random path may be that of a file.
        words.retain(|word| !word.starts_with('@'));
        words
    }

    fn text(&mut self) -> String {
        (0..self.below(9)).map(|_| self.pick(PIECES)).collect()
    }
}

/// What options are made of, and what they should not be made of; between bars.
const PIECES: &str = ",|=|:|/|//|%|%2e|..|.|@|#|?|[|]|-|\"|\n|\0|\u{fc}|\u{1F426}|0|1|80|8080|65536|\
    99999999999999999999|ms|s|m|k|none|x|pin|keep|http://|https://|a.example|127.0.0.1|\
    10.0.0.0/8|::1|[::1]|unix:|systemd:|unix:/a|*|*.|:*|cert=|key=|,ca=|,tls=1.2|,alpn=|,connections=|,waiting=|,sessions=|\
    ,to=https://|,identity=none|,path=/|,strip=yes|,sni=|,verify=|,host=|,redirects=keep|,via=off|\
    ,response-timeout=|,clients=|,from=|,uid=|,mode=|,group=|,tunnel=on|,origins=any|8080,to=https://a,identity=none|\
    unix:/a,to=https://a,identity=none|unix:/b,to=*,identity=none|systemd:a,to=*.a,identity=none";

const WORDS: &str = "--identity|--route|--route|--route|--forward|--forward|--ca|--max-clients|--max-header|--max-body|\
    --wait-timeout|--upstream-idle|--tunnel-idle|--log|--admin|--bogus|check|";

#[test]
fn no_text_makes_options_panic_and_every_error_is_one_line() {
    let seed = std::process::id().into();
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let words = random.words();
        let (Parsed::Run(flags) | Parsed::Check(flags)) = flags::parse(&words) else {
            continue;
        };
        match build(&flags) {
            Ok(config) => {
                check(&config);
                accepted += 1;
            }
            Err(rejected) => assert!(
                rejected
                    .errors
                    .iter()
                    .all(|error| !error.to_string().contains(char::is_control)),
                "seed {seed}: {words:?}: {:?}",
                rejected.errors
            ),
        }
    }
    assert!(
        accepted > 0,
        "seed {seed}: nothing was accepted, so nothing was checked"
    );
}

/// What holds for every configuration.
fn check(config: &Config) {
    assert_eq!(config.identity(IdentityId(0)).name, "none");
    assert!(!config.routes.is_empty() || !config.forwards.is_empty());
    for route in &config.routes {
        assert!(usize::from(route.identity.0) < config.identities.len());
        assert_eq!(
            UpstreamUrl::parse(&route.to.to_string()).as_ref(),
            Ok(&route.to)
        );
        assert_guarded(&route.listen, &route.from, &route.uid);
        assert!(
            route
                .path
                .as_deref()
                .is_none_or(|path| path.starts_with('/') && !path.ends_with('/'))
        );
    }
    for forward in &config.forwards {
        assert!(usize::from(forward.identity.0) < config.identities.len());
        assert_eq!(
            Pattern::parse(&forward.to.to_string()).as_ref(),
            Ok(&forward.to)
        );
        assert_guarded(&forward.listen, &forward.from, &forward.uid);
    }
    let clients: usize = clients(config).iter().sum();
    assert!(clients <= config.limits.clients);
    let mut routes = Vec::new();
    let mut forwards = Vec::new();
    for listener in &config.listeners {
        assert_eq!(
            Listen::parse(&listener.listen.to_string()).as_ref(),
            Ok(&listener.listen)
        );
        match &listener.serves {
            Serves::Routes(ids) => routes.extend_from_slice(ids),
            Serves::Forwards(ids) => forwards.extend_from_slice(ids),
        }
    }
    routes.sort();
    forwards.sort();
    let ids = |count: usize| 0..u8::try_from(count).unwrap();
    assert!(ids(config.routes.len()).map(RouteId).eq(routes));
    assert!(ids(config.forwards.len()).map(ForwardId).eq(forwards));
}

/// What is open to other machines says who may come, and nobody lists peers that cannot come.
fn assert_guarded(listen: &Listen, from: &[Cidr], uids: &[u32]) {
    match listen {
        Listen::Tcp(address) if !address.ip().is_loopback() => assert!(!from.is_empty()),
        Listen::Unix(_) => assert!(from.is_empty()),
        _ => {}
    }
    assert!(uids.is_empty() || listen.port().is_none());
}
