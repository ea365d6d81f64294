//! A 64-bit ARM processor without AES instructions, as the Raspberry Pis before the fifth have it.
//! qemu emulates none, but it lets a debugger in before the program's first instruction, and there
//! the kernel's word about the processor can be changed.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::support::wait_until;

/// The entry of the auxiliary vector that tells of instructions (getauxval(3)).
const AT_HWCAP: u64 = 16;
/// AES, PMULL, SHA1 and SHA2: the extension that those processors lack is all of them.
const CRYPTOGRAPHY: u64 = 0b1111 << 3;
/// sp, as gdb counts the registers of this architecture, of eight bytes each: behind x0 to x30.
const STACK_POINTER: usize = 31;

/// Waits for `qemu -g SOCKET` there, takes the instructions out of the program's auxiliary vector,
/// and lets it run.
pub fn pretend(socket: &Path) {
    let mut connected = None;
    wait_until("qemu waits for a debugger", || {
        connected = UnixStream::connect(socket).ok();
        connected.is_some()
    });
    let mut program = Debugged(connected.expect("a connection"));
    let at = program.hardware_capabilities();
    let without = program.word(at) & !CRYPTOGRAPHY;
    let bytes: String = without
        .to_le_bytes()
        .map(|byte| format!("{byte:02x}"))
        .concat();
    assert_eq!(program.ask(&format!("M{at:x},8:{bytes}")), "OK");
    assert_eq!(program.ask("D"), "OK");
}

/// A program that stands still, over gdb's protocol: `$request#checksum`, the same back, and a `+`
/// for each that arrived.
struct Debugged(UnixStream);

impl Debugged {
    fn ask(&mut self, request: &str) -> String {
        let sum = request.bytes().fold(0_u8, u8::wrapping_add);
        let packet = format!("${request}#{sum:02x}");
        self.0
            .write_all(packet.as_bytes())
            .expect("a debugger's request");
        let mut reply = Vec::new();
        while !matches!(reply.as_slice(), [.., b'#', _, _]) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("a reply");
            reply.push(byte[0]);
        }
        self.0.write_all(b"+").expect("the reply arrived");
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let (_, packet) = reply.split_once('$').expect("a packet");
        packet[..packet.len() - 3].to_owned()
    }

    fn word(&mut self, at: u64) -> u64 {
        let hex = self.ask(&format!("m{at:x},8"));
        from_hex(&hex)
    }

    /// Where the value of that entry is. At the start the stack has the number of arguments, these,
    /// a zero, the environment, a zero, and the vector: pairs of a kind and a value.
    fn hardware_capabilities(&mut self) -> u64 {
        let registers = self.ask("g");
        let stack = from_hex(&registers[16 * STACK_POINTER..][..16]);
        let mut at = stack + 8 * (self.word(stack) + 2);
        while self.word(at) != 0 {
            at += 8;
        }
        at += 8;
        while self.word(at) != AT_HWCAP {
            at += 16;
        }
        at + 8
    }
}

/// Bytes as gdb writes them, the least first.
fn from_hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16)
        .expect("hex digits")
        .swap_bytes()
}
