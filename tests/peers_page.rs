//! The status page in a real Chromium: on a phone and on a desk, dark and light, with and without
//! script. `make page` leaves its pictures in target/tmp.
#![cfg(feature = "peers")]

mod peers;
mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use peers::devtools::{Browser, Look};
use support::certs::{Ca, Spec};
use support::client::Client;
use support::egret::Egret;
use support::upstream::{Reply, Upstream};
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOSTILE: &str = "<img src=x onerror=document.title='owned'>";

const DESK: Look = Look {
    width: 1280,
    height: 800,
    dark: false,
    script: true,
};
const PHONE: Look = Look {
    width: 360,
    height: 740,
    ..DESK
};

/// An egret about which there is much to tell.
struct Site {
    egret: Egret,
    upstream: Upstream,
    _impostor: Upstream,
    url: String,
}

impl Site {
    fn new(world: &World) -> Self {
        let now = SystemTime::now();
        // In the middle of a day: in its first second it would end in six.
        let soon = Spec::client("gateway").valid(now - 300 * DAY, now + 5 * DAY + DAY / 2);
        let upstream = world
            .upstream()
            .handler(|seen| match seen.target.as_str() {
                "/missing" => Reply::status(404).body("none"),
                _ => Reply::echo(seen),
            })
            .start();
        // Nobody trusts it, and its name is told.
        let impostor = Upstream::builder(&Ca::new(HOSTILE).server(&["localhost"])).start();
        let egret = Egret::builder(EGRET)
            .ca(&world.ca)
            .identity(&world.device("meter"))
            .identity(&world.device_of("gateway", &soon))
            .identity("broken,cert=/etc/egret/broken.crt")
            .route_at(
                "127.0.0.1:0",
                &format!("to={},identity=meter", upstream.url()),
            )
            .route_at(
                "127.0.0.1:0",
                &format!("to={},identity=none,path=/firmware/stable", impostor.url()),
            )
            .route_at("127.0.0.2:0", "to=https://a.example,identity=broken")
            .forward_at(
                "127.0.0.3:0",
                "to=*.a-rather-long-name.cloud.example:*,identity=gateway",
            )
            .admin_at("127.0.0.9:0,from=127.0.0.0/8")
            .start();
        let site = Self {
            url: format!("http://{}/", egret.admin()),
            egret,
            upstream,
            _impostor: impostor,
        };
        for target in [
            "/",
            "/missing",
            "/firmware/stable/1",
            &format!("/{}", "y'".repeat(200)),
        ] {
            site.ask(0, target);
        }
        site.ask(2, "/");
        site
    }

    fn ask(&self, route: usize, target: &str) {
        let mut client = Client::connect(self.egret.addr(route));
        client.get(target).expect("an answer");
    }
}

fn keep(browser: &mut Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (text, picture) = (
        folder.join("page.base64"),
        folder.join(format!("page-{name}.png")),
    );
    std::fs::write(&text, browser.picture()).expect("a file");
    let decoded = Command::new("base64").arg("-d").arg(&text).output();
    std::fs::write(&picture, decoded.expect("base64").stdout).expect("a file");
    println!("{}", picture.display());
}

#[test]
fn it_is_whole_on_every_screen_in_every_light_with_and_without_script() {
    let world = World::new();
    let site = Site::new(&world);
    let mut browser = Browser::start(&world.dir.file("profile"));
    for (name, look) in [("desk", DESK), ("phone", PHONE)] {
        for (light, dark) in [("light", false), ("dark", true)] {
            for (with, script) in [("", true), ("-without-script", false)] {
                browser.open(
                    &site.url,
                    Look {
                        dark,
                        script,
                        ..look
                    },
                );
                let name = format!("{name}-{light}{with}");
                assert_eq!(browser.complaints(), [""; 0], "{name}");
                let width = browser.value("document.documentElement.scrollWidth");
                assert!(
                    width.parse::<u32>().expect("a width") <= look.width,
                    "{name}: {width}"
                );
                let back = browser.value("getComputedStyle(document.body).backgroundColor");
                assert_eq!((back == "rgb(246, 247, 248)"), !dark, "{name}: {back}");
                let text = browser.value("document.querySelector('main').innerText");
                for part in [
                    "meter",
                    "TLS 1.3",
                    "asked for and sent",
                    "not available",
                    "ends in 5 days",
                ] {
                    assert!(text.contains(part), "{name}: no {part} in {text}");
                }
                keep(&mut browser, &name);
            }
        }
    }
}

#[test]
fn the_names_of_a_hostile_server_are_text() {
    let world = World::new();
    let site = Site::new(&world);
    let mut browser = Browser::start(&world.dir.file("profile"));
    browser.open(&site.url, DESK);
    let text = browser.value("document.querySelector('main').innerText");
    // The name is escaped as names of certificates are, too.
    let told = HOSTILE.trim_matches(['<', '>']);
    assert!(text.contains(told), "{text}");
    assert_eq!(browser.value("document.images.length"), "0");
    assert_eq!(browser.value("document.title"), "egret");
}

#[test]
fn what_its_policy_does_not_name_is_not_run() {
    let world = World::new();
    let site = Site::new(&world);
    let mut browser = Browser::start(&world.dir.file("profile"));
    browser.open(&site.url, DESK);
    assert_eq!(browser.complaints(), [""; 0]);
    browser.value(
        "(() => { const script = document.createElement('script'); \
          script.text = 'document.title = \"owned\"'; document.body.append(script); return 1 })()",
    );
    browser.wait_for("document.title === 'egret'");
    let complaints = browser.complaints().join("\n");
    assert!(
        complaints.contains("Content Security Policy"),
        "{complaints}"
    );
}

#[test]
fn with_script_it_shows_what_is_new_and_that_nobody_answers() {
    let world = World::new();
    let site = Site::new(&world);
    let mut browser = Browser::start(&world.dir.file("profile"));
    browser.open(&site.url, PHONE);
    browser.value("window.same = 1");
    site.ask(0, "/firmware/stable/fresh");
    browser.wait_for("document.querySelector('main').innerText.includes('/fresh')");
    assert_eq!(browser.value("window.same"), "1", "it was not loaded again");
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(
        browser.value("document.getElementById('stale').hidden"),
        "true"
    );
    drop(site.egret);
    browser.wait_for("document.getElementById('stale').hidden === false");
    drop(site.upstream);
}
