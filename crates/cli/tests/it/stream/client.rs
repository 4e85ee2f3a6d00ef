//! A client of the stream that keeps to the standard of server-sent events, and no more.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;

use crate::harness::PATIENCE;

/// An event with data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: Value,
    /// The client's last event id once it has this event.
    pub(super) id: u64,
}

/// A stream that is open.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    pub(super) status: u16,
    pub(super) headers: String,
    /// What a browser would send as `Last-Event-ID`.
    pub(super) last_id: u64,
}

impl Client {
    /// Opens a stream. HTTP/1.0, so that the body comes without framing.
    pub(super) fn open(port: u16, query: &str, headers: &[(&str, String)]) -> Client {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut head = format!("GET /api/1/stream?{query} HTTP/1.0\r\nhost: localhost\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        (&stream)
            .write_all(format!("{head}\r\n").as_bytes())
            .expect("to send");
        let mut client = Client {
            stream: BufReader::new(stream),
            status: 0,
            headers: String::new(),
            last_id: 0,
        };
        let status = client.line().expect("a status");
        client.status = status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        loop {
            let line = client.line().expect("a header");
            if line.is_empty() {
                return client;
            }
            client.headers.push_str(&line.to_ascii_lowercase());
            client.headers.push('\n');
        }
    }

    /// Opens a stream that goes on after an event.
    pub(super) fn resume(port: u16, query: &str, last_id: u64) -> Client {
        let mut client = Client::open(port, query, &[("last-event-id", last_id.to_string())]);
        client.last_id = last_id;
        client
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.trim_end_matches('\r').to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The next event. An error at the end of the stream.
    pub(super) fn event(&mut self) -> io::Result<Event> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = self.line()?;
            if line.is_empty() {
                if data.is_empty() {
                    name.clear();
                    continue;
                }
                let data = serde_json::from_str(&data).map_err(io::Error::other)?;
                return Ok(Event {
                    name,
                    data,
                    id: self.last_id,
                });
            }
            let (field, value) = line.split_once(": ").unwrap_or((&line, ""));
            match field {
                "event" => name = value.to_owned(),
                "data" => data.push_str(value),
                "id" => self.last_id = value.parse().map_err(io::Error::other)?,
                "retry" | ":" => {}
                other => return Err(io::Error::other(format!("field {other}"))),
            }
        }
    }

    /// The next event, which there must be.
    pub(super) fn next(&mut self) -> Event {
        self.event().expect("an event")
    }

    /// Everything up to and including the event with this id.
    pub(super) fn through(&mut self, id: u64) -> Vec<Event> {
        let mut events = Vec::new();
        while self.last_id < id {
            events.push(self.next());
        }
        events
    }
}
