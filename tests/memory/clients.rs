//! Clients that make a proxy hold as much as they can.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::support::PATIENCE;
use ::egret::limits;

/// The largest head of a request.
pub const HEAD: usize = limits::HEAD_MAX;

/// A head of that many bytes and a hundred fields, the most that is allowed.
pub fn head(first_line: &str, fields: &str, bytes: usize) -> String {
    let mut head = format!("{first_line} HTTP/1.1\r\nHost: localhost\r\n{fields}");
    let count = 100 - head.matches("\r\n").count() + 1;
    let share = (bytes - head.len() - 2) / count;
    for n in 1..=count {
        let name = format!("x-{n:03}: ");
        let left = match n == count {
            true => bytes - head.len() - 2,
            false => share,
        };
        head += &format!("{name}{}\r\n", "v".repeat(left - name.len() - 2));
    }
    head += "\r\n";
    assert_eq!(head.len(), bytes);
    head
}

/// Connects with a small window, so that little is in the kernel's hands.
pub fn connect(addr: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small window");
    socket.set_send_buffer_size(4096).expect("a small buffer");
    socket.connect(&addr.into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).expect("no delay");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends all of it.
pub fn send(mut client: &TcpStream, bytes: &[u8]) {
    client.write_all(bytes).expect("a proxy that reads");
}

/// Sends it again and again until nobody takes more.
pub fn send_until_stuck(client: &TcpStream, bytes: &[u8]) {
    while send_what_goes(client, bytes) {}
}

/// Sends it, as far as it is taken; tells whether all was.
pub fn send_what_goes(mut client: &TcpStream, bytes: &[u8]) -> bool {
    let stuck = Some(Duration::from_millis(500));
    client.set_write_timeout(stuck).expect("a timeout");
    let mut left = bytes;
    while !left.is_empty() {
        match client.write(left) {
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Who is refused is cut off.
            Err(_) => return false,
        }
    }
    true
}

/// The largest request, and all but the end of another one behind it.
pub fn send_two(client: &TcpStream) {
    let request = head("GET /", "", HEAD);
    send_what_goes(client, request.as_bytes());
    send_what_goes(client, &request.as_bytes()[..HEAD - 1]);
}

/// The largest head, and its body until nobody takes more.
pub fn send_upload(client: &TcpStream, target: &str) {
    let request = head(
        &format!("POST {target}"),
        "Content-Length: 9000000000\r\n",
        HEAD,
    );
    send_what_goes(client, request.as_bytes());
    send_until_stuck(client, &[b'u'; 64 * 1024]);
}

/// Waits for the first byte of an answer.
pub fn read_some(mut client: &TcpStream) {
    let mut bytes = [0; 1];
    client.read_exact(&mut bytes).expect("an answer");
}
