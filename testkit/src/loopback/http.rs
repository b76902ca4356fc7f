//! The little of HTTP/1.1 that the CLI's client uses: requests with a length, answers whole or chunked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 512 * 1024 * 1024;

#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Path with its query, as sent.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// One client connection.
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Connection { reader: BufReader::new(stream) })
    }

    /// The next request, or `None` when the client has closed the connection.
    pub fn read_request(&mut self) -> io::Result<Option<Request>> {
        self.reader.get_ref().set_read_timeout(None)?;
        let Some(head) = self.read_head()? else { return Ok(None) };
        let mut request = parse_head(&head)?;
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let length = match request.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if length <= MAX_BODY => length,
            Some(_) => return Err(invalid("unusable content-length")),
            None if request.header("transfer-encoding").is_some() => {
                return Err(invalid("chunked requests are not supported; send content-length"));
            }
            None => 0,
        };
        request.body = vec![0; length];
        self.reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    fn read_head(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut head = Vec::new();
        loop {
            let room = (MAX_HEAD - head.len()) as u64;
            let count = (&mut self.reader).take(room).read_until(b'\n', &mut head)?;
            if count == 0 && head.is_empty() {
                return Ok(None);
            }
            if count == 0 {
                return Err(invalid("request head is cut off or too long"));
            }
            if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
                return Ok(Some(head));
            }
        }
    }

    pub fn write_json(&mut self, status: u16, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
        let mut answer = response_head(status, "application/json", headers);
        answer.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        self.write_all(answer.as_bytes())
    }

    /// Starts a chunked event stream; follow with `write_chunk` and end with `finish_chunks`.
    pub fn start_events(&mut self, headers: &[(&str, &str)]) -> io::Result<()> {
        let mut head = response_head(200, "text/event-stream; charset=utf-8", headers);
        head.push_str("cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n");
        self.write_all(head.as_bytes())
    }

    pub fn write_chunk(&mut self, data: &str) -> io::Result<()> {
        self.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes())
    }

    pub fn finish_chunks(&mut self) -> io::Result<()> {
        self.write_all(b"0\r\n\r\n")
    }

    /// Waits, but returns `ConnectionAborted` at once when the client hangs up.
    pub fn wait(&mut self, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let stream = self.reader.get_ref();
            stream.set_read_timeout(Some(left))?;
            match stream.peek(&mut [0]) {
                Ok(0) => return Err(io::ErrorKind::ConnectionAborted.into()),
                // A pipelined request: it stays in the socket, so peeking cannot wait any more.
                Ok(_) => std::thread::sleep(left.min(Duration::from_millis(20))),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn parse_head(head: &[u8]) -> io::Result<Request> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(invalid("incomplete request head")),
        Err(error) => return Err(invalid(&format!("bad request head: {error}"))),
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value))).collect(),
        body: Vec::new(),
    })
}

fn response_head(status: u16, content_type: &str, headers: &[(&str, &str)]) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        529 => "Overloaded",
        _ => "Status",
    };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\ncontent-type: {content_type}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}
