//! Options out of a random generator.

use super::{ROUTE, clients, flags};
use crate::config::{Config, IdentityId, UpstreamUrl, build};
use crate::flags::Parsed;

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
        let mut words = match self.below(2) {
            0 => vec!["--route".to_owned(), ROUTE.to_owned() + &self.text()],
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
    10.0.0.0/8|::1|[::1]|unix:|cert=|key=|,ca=|,tls=1.2|,alpn=|,connections=|,waiting=|,sessions=|\
    ,to=https://|,identity=none|,path=/|,strip=yes|,sni=|,verify=|,host=|,redirects=keep|,via=off|\
    ,response-timeout=|,clients=|,from=|8080,to=https://a,identity=none|\
    8080,to=https://a,identity=none";

const WORDS: &str = "--identity|--route|--route|--route|--ca|--max-clients|--max-header|--max-body|\
    --wait-timeout|--upstream-idle|--log|--forward|--bogus|check|";

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
    assert!(!config.routes.is_empty());
    for route in &config.routes {
        assert!(usize::from(route.identity.0) < config.identities.len());
        assert_eq!(
            UpstreamUrl::parse(&route.to.to_string()).as_ref(),
            Ok(&route.to)
        );
        assert!(route.listen.is_loopback() || !route.from.is_empty());
        assert!(
            route
                .path
                .as_deref()
                .is_none_or(|path| path.starts_with('/') && !path.ends_with('/'))
        );
    }
    let clients: usize = clients(config).iter().sum();
    assert!(clients <= config.limits.clients);
    let routes: usize = config
        .listeners
        .iter()
        .map(|listener| listener.routes.len())
        .sum();
    assert_eq!(routes, config.routes.len());
}
