//! Web pages must not use the device's identity: what a browser says of itself, field by field.

mod support;

use support::client::Client;
use support::egret::Egret;
use support::world::World;

const EGRET: &str = env!("CARGO_BIN_EXE_egret");

#[test]
fn a_browsers_marks_keep_other_pages_out() {
    let world = World::new();
    let upstream = world.upstream().start();
    let path = world.dir.file("egret.sock");
    let route = format!("to={},identity=none", upstream.url());
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route_at("127.0.0.1:0", &route)
        .route_at("127.0.0.2:0", &format!("{route},origins=any"))
        .route_at(&format!("unix:{}", path.display()), &route)
        .forward_at("127.0.0.3:0", "to=*:*,identity=none")
        .start();
    let own = egret.addr(0).to_string();
    let origin = format!("Origin: http://{own}");
    let host = format!("Host: {own}");
    let mozilla = "User-Agent: Mozilla/5.0 (X11; Linux aarch64) Gecko/20100101 Firefox/140.0";
    let table: &[(&[&str], bool)] = &[
        (&[&host], true),
        (&["Host: box.lan", "User-Agent: curl/8.5.0"], true),
        (&[&host, "Sec-Fetch-Site: same-origin"], true),
        (&[&host, "Sec-Fetch-Site: none", mozilla], true),
        (&[&host, &origin], true),
        (&[&host, &origin, "Sec-Fetch-Site: same-origin"], true),
        (&["Host: localhost", "Origin: http://localhost"], true),
        (&[&host, "Sec-Fetch-Site: same-site"], false),
        (&[&host, "Sec-Fetch-Site: cross-site"], false),
        (&[&host, "Sec-Fetch-Site: Same-Origin"], false),
        (&[&host, "Origin: null"], false),
        (&[&host, "Origin: http://evil.example"], false),
        (&[&host, "Origin: https://127.0.0.1"], false),
        (&[&host, "Origin: http://127.0.0.1:1"], false),
        (&[&host, &origin, "Sec-Fetch-Site: cross-site"], false),
        (
            &[
                &host,
                "Origin: http://evil.example",
                "Sec-Fetch-Site: same-origin",
            ],
            false,
        ),
        (
            &["Host: rebound.example", "Sec-Fetch-Site: same-origin"],
            false,
        ),
        (&["Host: rebound.example", "Sec-Fetch-Site: none"], false),
        (
            &["Host: rebound.example", "Origin: http://rebound.example"],
            false,
        ),
        (&["Host: rebound.example", mozilla], false),
        (&["Host: 127.0.0.1.evil.example", mozilla], false),
        (&["Host: localhost.evil.example", mozilla], false),
    ];
    let ask = |fields: Vec<&str>, n: usize| {
        let mut client = Client::connect(egret.addr(n));
        let target = match n {
            3 => format!("http://localhost:{}/x", upstream.port()),
            _ => String::from("/x"),
        };
        let head = format!("GET {target} HTTP/1.1\r\n{}\r\n\r\n", fields.join("\r\n"));
        client.write_raw(head.as_bytes()).expect("written");
        client.read_response().expect("an answer")
    };
    for (fields, passes) in table {
        let before = upstream.seen().len();
        let response = ask(fields.to_vec(), 0);
        assert_eq!(
            response.status,
            if *passes { 200 } else { 403 },
            "{fields:?}"
        );
        let seen = upstream.seen().len() - before;
        assert_eq!(seen, usize::from(*passes), "{fields:?}");
        if !passes {
            assert!(
                response
                    .text()
                    .contains("web pages may not use this listener")
            );
            assert!(response.text().contains("origins=any"));
            // What nobody may read says nothing to a page either.
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
        // Where a page may, and where none can.
        assert_eq!(ask(fields.to_vec(), 1).status, 200, "{fields:?}");
        assert_eq!(ask(fields.to_vec(), 3).status, 200, "{fields:?}");
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .filter_map(|field| field.split_once(": "))
            .collect();
        let response = Client::connect_unix(&path).request("GET", "/x", &fields, b"");
        assert_eq!(response.expect("an answer").status, 200);
    }
}

#[test]
fn a_preflight_of_another_origin_is_refused_and_not_sent() {
    let world = World::new();
    let upstream = world.upstream().start();
    let egret = Egret::builder(EGRET)
        .ca(&world.ca)
        .route(&format!("to={},identity=none", upstream.url()))
        .start();
    let response = Client::connect(egret.addr(0)).request(
        "OPTIONS",
        "/x",
        &[
            ("Origin", "http://evil.example"),
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Private-Network", "true"),
        ],
        b"",
    );
    assert_eq!(response.expect("an answer").status, 403);
    assert_eq!(upstream.state(|state| state.accepted), 0);
}
