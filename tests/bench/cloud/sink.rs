//! Where uploads end, behind the cloud: reads them whole before it answers, which nginx by itself
//! does not. Plain HTTP, one request a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Starts it; it ends with this program.
pub fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A cut upload is seen by the client that sent it.
            thread::spawn(|| serve(stream));
        }
    });
    Ok(address)
}

fn serve(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(256 * 1024, stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let body = io::copy(&mut (&mut reader).take(length), &mut io::sink())?;
    if body < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let answer = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
    reader.get_mut().write_all(answer)
}
