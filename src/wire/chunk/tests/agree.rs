//! hyper decodes the same bodies after us: what we accept it must accept, with the same end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use hyper::body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ROWS, Violation, feed_in_pieces};

/// The paths of requests whose bodies hyper read to a good end.
type Seen = Arc<Mutex<Vec<String>>>;

async fn read_all(request: Request<Incoming>, seen: Seen) -> Result<Response<String>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut body = pin!(request.into_body());
    let mut good = true;
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        good &= frame.is_ok();
    }
    if good {
        seen.lock().unwrap().push(path);
    }
    Ok(Response::new(String::new()))
}

/// Which of two requests hyper's server read whole: a POST with `body`, and a GET after it.
async fn served(body: &[u8]) -> Vec<String> {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let seen = Seen::default();
    let service = hyper::service::service_fn(|request| read_all(request, seen.clone()));
    let serve =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let head = b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let next = b"GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let talk = async {
        client
            .write_all(&[head, body, next].concat())
            .await
            .unwrap();
        let mut answers = Vec::new();
        client.read_to_end(&mut answers).await.unwrap();
    };
    // hyper's own error, if any, shows in what was not seen.
    let (_, ()) = tokio::join!(serve, talk);
    drop(client);
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[test]
fn hyper_finds_the_same_end_of_every_body_that_is_accepted() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let own = |beyond: &usize, bytes: &'static [u8]| &bytes[..bytes.len() - beyond];
    let good = ROWS
        .iter()
        .filter_map(|(_, bytes, outcome)| Some(own(outcome.as_ref().ok()?, bytes)));
    for body in good {
        let seen = runtime.block_on(served(body));
        assert_eq!(seen, ["/first", "/second"], "{}", body.escape_ascii());
    }
}

#[test]
fn the_reader_is_stricter_than_hyper() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let body = b"1 ;a\r\nx\r\n0\r\nHost: b\r\n\r\n";
    assert_eq!(runtime.block_on(served(body)), ["/first", "/second"]);
    assert_eq!(feed_in_pieces(body, []), Err(Violation::ChunkSize));
}
