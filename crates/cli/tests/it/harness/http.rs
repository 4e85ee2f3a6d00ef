//! HTTP/1.1 over a plain socket. Sends the headers it is given and no others, so that a test can leave out
//! what every client library adds by itself, such as `Host`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::Value;

use super::PATIENCE;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Names in lower case, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header; several of one name are joined with commas.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, if it is that.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A connection, which is kept for as many requests as the server lets it.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// Connects to a server on this machine.
    ///
    /// # Errors
    ///
    /// When nothing listens there.
    pub(crate) fn open(port: u16) -> io::Result<Connection> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Connection {
            stream: BufReader::new(stream),
            host: address.to_string(),
        })
    }

    /// Sends a request with just these headers and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the connection ends before the answer does, or what comes is not HTTP.
    pub(crate) fn exchange(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<Answer> {
        // A server may refuse a request before it has read all of it, and close: its answer is here then.
        let sent = self.send(method, target, headers, body);
        match (self.receive(method), sent) {
            (Ok(answer), _) => Ok(answer),
            (Err(error), Ok(())) | (Err(_), Err(error)) => Err(error),
        }
    }

    /// Sends a request, and leaves the answer to [`Connection::receive`].
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut message = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        for (name, value) in headers {
            message.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(body);
        self.stream.get_mut().write_all(&message)
    }

    /// Sends more of a body.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(crate) fn send_more(&mut self, body: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(body)
    }

    /// Waits for the answer to what was sent.
    ///
    /// # Errors
    ///
    /// As [`Connection::exchange`].
    pub(crate) fn receive(&mut self, method: &str) -> io::Result<Answer> {
        read_answer(&mut self.stream, method)
    }

    /// Whether the server has closed it. Clients that keep connections look before they send.
    pub(crate) fn is_closed(&self) -> bool {
        let mut byte = [0];
        let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
        !matches!(
            rustix::net::recv(self.stream.get_ref(), &mut byte, flags),
            Err(rustix::io::Errno::AGAIN)
        )
    }

    /// A request as any ordinary client sends it; a body is JSON.
    ///
    /// # Errors
    ///
    /// As [`Connection::exchange`].
    pub(crate) fn request(&mut self, method: &str, target: &str, body: Option<&[u8]>) -> io::Result<Answer> {
        let headers = self.usual_headers(body);
        self.exchange(method, target, &headers, body.unwrap_or_default())
    }

    /// What any ordinary client sends; a body is JSON.
    pub(crate) fn usual_headers(&self, body: Option<&[u8]>) -> Vec<(String, String)> {
        let mut headers = vec![("host".to_owned(), self.host.clone())];
        if let Some(body) = body {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        headers
    }
}

/// `GET` on a connection of its own.
///
/// # Errors
///
/// As [`Connection::exchange`].
pub(crate) fn get(port: u16, target: &str) -> io::Result<Answer> {
    Connection::open(port)?.request("GET", target, None)
}

/// `POST` of JSON on a connection of its own.
///
/// # Errors
///
/// As [`Connection::exchange`].
pub(crate) fn post(port: u16, target: &str, body: &[u8]) -> io::Result<Answer> {
    Connection::open(port)?.request("POST", target, Some(body))
}

fn read_answer(stream: &mut impl BufRead, method: &str) -> io::Result<Answer> {
    loop {
        let status = read_status(stream)?;
        let headers = read_headers(stream)?;
        if (100..200).contains(&status) {
            continue; // an interim answer; the real one follows
        }
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && status != 204 && status != 304 {
            answer.body = read_body(stream, &answer)?;
        }
        return Ok(answer);
    }
}

fn read_status(stream: &mut impl BufRead) -> io::Result<u16> {
    let line = read_line(stream)?;
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    status
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| malformed(&line))
}

fn read_headers(stream: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_body(stream: &mut impl BufRead, answer: &Answer) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if answer
        .header("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        loop {
            let line = read_line(stream)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| malformed(&line))?;
            if size == 0 {
                read_headers(stream)?; // trailers
                return Ok(body);
            }
            read_exactly(stream, size, &mut body)?;
            read_line(stream)?;
        }
    }
    match answer.header("content-length") {
        Some(length) => {
            let length = length.parse().map_err(|_| malformed(&length))?;
            read_exactly(stream, length, &mut body)?;
        }
        None => {
            stream.read_to_end(&mut body)?;
        }
    }
    Ok(body)
}

/// One line without its end; an end of the stream before it is an error.
fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\n") {
        Some(line) => Ok(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read_exactly(stream: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let read = stream.take(length).read_to_end(body)?;
    if read as u64 == length {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn malformed(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {line:?}"))
}
