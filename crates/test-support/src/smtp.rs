//! A real SMTP server for tests: it listens on a free port of this machine, speaks the protocol, and keeps what it is
//! given.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// An e-mail that was delivered.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Head and body as they came, with LF at the ends of lines.
    pub source: String,
}

impl Delivered {
    /// The value of a header, unfolded; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let head = self.source.split("\n\n").next().unwrap();
        header_of(head, name)
    }

    /// The decoded part of this media type; empty where there is none.
    pub fn part(&self, media_type: &str) -> String {
        let boundary = self.header("Content-Type");
        let boundary =
            boundary.split("boundary=\"").nth(1).expect("a multipart message").split('"').next().unwrap();
        for part in self.source.split(&format!("--{boundary}")) {
            let Some((head, body)) = part.trim_start_matches('\n').split_once("\n\n") else { continue };
            if header_of(head, "Content-Type").starts_with(media_type) {
                let bytes = match header_of(head, "Content-Transfer-Encoding").as_str() {
                    "quoted-printable" => quoted_printable(body),
                    "base64" => base64(body),
                    _ => body.as_bytes().to_vec(),
                };
                return String::from_utf8(bytes).expect("UTF-8 in a part").replace("\r\n", "\n");
            }
        }
        String::new()
    }

    /// The first word of the text part that begins like this.
    pub fn word(&self, start: &str) -> String {
        let text = self.part("text/plain");
        text.split_whitespace().find(|word| word.starts_with(start)).unwrap_or_default().to_owned()
    }
}

fn header_of(head: &str, name: &str) -> String {
    let mut value = String::new();
    let mut inside = false;
    for line in head.lines() {
        if line.starts_with([' ', '\t']) {
            if inside {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((key, rest)) = line.split_once(':') {
            inside = key.eq_ignore_ascii_case(name);
            if inside {
                value = rest.trim().to_owned();
            }
        }
    }
    value
}

fn quoted_printable(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in body.split_inclusive('\n') {
        let (text, ends) = match line.strip_suffix("=\n") {
            Some(text) => (text, false),
            None => (line.trim_end_matches('\n'), line.ends_with('\n')),
        };
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            if *first == b'=' && after.len() >= 2 {
                let hex = std::str::from_utf8(&after[..2]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits"));
                rest = &after[2..];
            } else {
                bytes.push(*first);
                rest = after;
            }
        }
        if ends {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn base64(body: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in body.bytes() {
        let Some(value) = LETTERS.iter().position(|letter| *letter == byte) else { continue };
        held = (held << 6 | u32::try_from(value).unwrap()) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
        }
    }
    bytes
}

#[derive(Default)]
struct Kept {
    waiting: VecDeque<Delivered>,
    /// How many of the next e-mails are put off.
    put_off: u32,
    /// How many e-mails were put off or delivered.
    tries: u32,
}

/// The server; its thread ends with the test's process.
pub struct SmtpServer {
    address: SocketAddr,
    state: Arc<(Mutex<Kept>, Condvar)>,
}

impl SmtpServer {
    /// Starts one.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().unwrap();
        let state: Arc<(Mutex<Kept>, Condvar)> = Arc::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A client that goes away in the midst is its own business.
                    let _gone = converse(&stream, &state);
                });
            }
        });
        Self { address, state }
    }

    /// Where it listens, as `smtp://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Answers the next `count` e-mails with "try again later".
    pub fn put_off(&self, count: u32) {
        self.state.0.lock().unwrap().put_off = count;
    }

    /// How many times somebody tried to deliver an e-mail.
    pub fn tries(&self) -> u32 {
        self.state.0.lock().unwrap().tries
    }

    /// The next e-mail, which must come within half a minute.
    pub fn next(&self) -> Delivered {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut state = self.state.0.lock().unwrap();
        loop {
            if let Some(delivered) = state.waiting.pop_front() {
                return delivered;
            }
            let left = deadline.checked_duration_since(Instant::now()).expect("no e-mail came within 30 s");
            state = self.state.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// How many e-mails came that nobody has taken yet.
    pub fn waiting(&self) -> usize {
        self.state.0.lock().unwrap().waiting.len()
    }
}

/// Talks to one client until it leaves.
fn converse(stream: &TcpStream, state: &(Mutex<Kept>, Condvar)) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
    say("220 test ESMTP")?;
    let (mut from, mut to) = (String::new(), Vec::new());
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        let path = || {
            command
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'))
                .map(|(path, _)| path.to_owned())
        };
        match command.split([' ', ':']).next().unwrap().to_ascii_uppercase().as_str() {
            "EHLO" => say("250-test\r\n250-8BITMIME\r\n250 SIZE 1000000")?,
            "HELO" | "NOOP" => say("250 test")?,
            "RSET" => {
                (from, to) = (String::new(), Vec::new());
                say("250 forgotten")?;
            }
            "MAIL" => {
                from = path().unwrap_or_default();
                say("250 ok")?;
            }
            "RCPT" => {
                to.push(path().unwrap_or_default());
                say("250 ok")?;
            }
            "DATA" if to.is_empty() => say("503 nobody to send it to")?,
            "DATA" => {
                say("354 go on")?;
                let mut source = String::new();
                loop {
                    line.clear();
                    if lines.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    let text = line.trim_end_matches(['\r', '\n']);
                    if text == "." {
                        break;
                    }
                    // A leading dot was doubled on the way.
                    source.push_str(text.strip_prefix('.').unwrap_or(text));
                    source.push('\n');
                }
                let delivered =
                    Delivered { from: std::mem::take(&mut from), to: std::mem::take(&mut to), source };
                let mut kept = state.0.lock().unwrap();
                kept.tries += 1;
                let later = kept.put_off > 0;
                if later {
                    kept.put_off -= 1;
                } else {
                    kept.waiting.push_back(delivered);
                }
                drop(kept);
                state.1.notify_all();
                say(if later { "451 try again later" } else { "250 kept" })?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("502 not known here")?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_of_parts_are_decoded() {
        assert_eq!(quoted_printable("d=C3=A9j=\n=C3=A0 =3D\nx"), "déjà =\nx".as_bytes());
        assert_eq!(base64("ZMOpasOg\nIHZ1"), "déjà vu".as_bytes());
        assert_eq!(base64("YQ=="), b"a");
    }

    #[test]
    fn what_is_delivered_can_be_read() {
        let server = SmtpServer::start();
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .write_all(
                b"EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nSubject: x\r\n y\r\n\
                  Content-Type: multipart/alternative; boundary=\"q\"\r\n\r\n--q\r\nContent-Type: text/plain\r\n\
                  Content-Transfer-Encoding: 7bit\r\n\r\n..dot http://x/y\r\n--q--\r\n.\r\nQUIT\r\n",
            )
            .unwrap();
        let mail = server.next();
        assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("a@b.c", ["d@e.f".to_owned()].as_slice()));
        assert_eq!(mail.header("subject"), "x y");
        assert_eq!(mail.part("text/plain"), ".dot http://x/y\n");
        assert_eq!(mail.word("http://"), "http://x/y");
        assert_eq!(mail.part("text/html"), "");
    }
}
