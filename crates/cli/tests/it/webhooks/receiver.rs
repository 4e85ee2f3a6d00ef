//! A program that webhooks send to. It keeps what it has answered with 2xx, and what it was sent in all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// With this status.
    Status(u16),
    /// Not at all, and keeps the connection.
    Hang,
    /// With the end of the connection.
    Close,
    /// With a redirect to itself.
    Redirect,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) body: Value,
    /// Whether it was answered with 2xx.
    pub(super) is_accepted: bool,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(super) fn delivery(&self) -> &str {
        self.body["delivery"].as_str().expect("an id")
    }

    /// The records in it.
    pub(super) fn seqs(&self) -> Vec<u64> {
        let records = self.body["records"].as_array().map_or(&[][..], Vec::as_slice);
        records
            .iter()
            .map(|record| record["seq"].as_u64().expect("a number"))
            .collect()
    }
}

struct State {
    manner: Mutex<Manner>,
    received: Mutex<Vec<Received>>,
    stop: AtomicBool,
}

/// The program. It ends when it is dropped.
pub(super) struct Receiver {
    state: Arc<State>,
    pub(super) port: u16,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    pub(super) fn start(manner: Manner) -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State {
            manner: Mutex::new(manner),
            received: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let state = Arc::clone(&state);
            move || serve(&listener, &state)
        });
        Receiver {
            state,
            port,
            thread: Some(thread),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?a=b", self.port)
    }

    pub(super) fn set_manner(&self, manner: Manner) {
        *self.state.manner.lock().expect("a lock") = manner;
    }

    /// Everything that arrived.
    pub(super) fn received(&self) -> Vec<Received> {
        self.state.received.lock().expect("a lock").clone()
    }

    /// The records of all deliveries that were accepted, in the order in which they came; a delivery that came twice
    /// counts once.
    pub(super) fn seqs(&self) -> Vec<u64> {
        let mut ids: Vec<String> = Vec::new();
        let mut seqs = Vec::new();
        for received in self.received().iter().filter(|received| received.is_accepted) {
            if !ids.iter().any(|id| id == received.delivery()) {
                ids.push(received.delivery().to_owned());
                seqs.extend(received.seqs());
            }
        }
        seqs
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, state: &State) {
    let mut kept = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if state.stop.load(Ordering::Relaxed) {
            return;
        }
        let manner = *state.manner.lock().expect("a lock");
        let Some(mut received) = read(&stream) else {
            continue;
        };
        let (status, more) = match manner {
            Manner::Status(status) => (status, ""),
            Manner::Redirect => (307, "location: /other\r\n"),
            Manner::Hang | Manner::Close => (0, ""),
        };
        received.is_accepted = (200..300).contains(&status);
        state.received.lock().expect("a lock").push(received);
        match manner {
            Manner::Hang => kept.push(stream),
            Manner::Close => {}
            Manner::Status(_) | Manner::Redirect => {
                let answer = format!("HTTP/1.1 {status} X\r\n{more}content-length: 0\r\n\r\n");
                // The sender may be gone.
                let _ = (&stream).write_all(answer.as_bytes());
            }
        }
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut text = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut text).ok()?;
    let text = String::from_utf8(text).ok()?;
    Some(Received {
        path,
        headers,
        body: serde_json::from_str(&text).ok()?,
        text,
        is_accepted: false,
    })
}
