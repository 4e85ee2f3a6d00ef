//! The module `microphone`: which programs record sound. It also tells `afk` whether sound is recorded or played.

use std::sync::Arc;

use serde_json::Value;
use timberline_model::{Data, Timestamp};

use super::board::{Board, Posting};
use super::chooser::{Chooser, Feed};
use super::drive::{Drive, Machine, Record};
use super::facts::Facts;
use super::module::{Context, Module, Running};
use super::state::Lasting;
use crate::afk::{Fact, Reason};
use crate::data::object;
use crate::desktop::alsa::Alsa;
use crate::desktop::pipewire::{PipeWire, Sound};
use crate::desktop::{At, Source};

/// The module.
pub(super) struct MicrophoneModule {
    pub(super) board: Board,
}

impl Module for MicrophoneModule {
    fn name(&self) -> &'static str {
        "microphone"
    }

    fn run(&self, context: Context) -> Running {
        let bucket = context
            .client
            .bucket_of_host("timberline-microphone", "timberline.microphone");
        let sources: Vec<Box<dyn Source<Sound>>> = vec![
            Box::new(PipeWire::new(Arc::clone(&context.session))),
            Box::new(Alsa::new()),
        ];
        let drive = Drive {
            name: "microphone",
            buckets: vec![bucket],
            chooser: Chooser::start(sources, &context.clock),
            facts: Facts::start(Vec::new(), &context.clock),
            machine: Listening {
                lasting: Lasting::default(),
                microphone: Posting::new(&self.board, Reason::Microphone),
                audio: Posting::new(&self.board, Reason::Audio),
            },
        };
        Box::pin(drive.run(context))
    }
}

/// Makes an event while a program records.
struct Listening {
    lasting: Lasting,
    microphone: Posting,
    audio: Posting,
}

impl Listening {
    fn post(&self, sound: Option<&Sound>) {
        self.microphone
            .set(sound.map(|sound| !sound.recording.is_empty()));
        self.audio.set(sound.and_then(|sound| sound.playing));
    }
}

fn data(sound: &Sound) -> Option<Data> {
    let programs = sound.recording.clone();
    (!programs.is_empty()).then(|| object([("apps", Some(Value::from(programs)))]))
}

impl Machine<Sound> for Listening {
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record> {
        self.lasting.fact(fact)
    }

    fn feed(&mut self, now: Timestamp, feed: Feed<Sound>) -> Vec<Record> {
        let feed = match feed {
            Feed::From(at, source) => {
                // Otherwise what the source says follows.
                if source.is_none() {
                    self.post(None);
                }
                Feed::From(at, source)
            }
            Feed::Report(At { time, report }) => {
                self.post(Some(&report));
                let report = data(&report);
                Feed::Report(At { time, report })
            }
        };
        self.lasting.feed(now, feed)
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        self.lasting.tick(now)
    }

    fn end(&mut self, now: Timestamp) -> Vec<Record> {
        self.lasting.end(now)
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.lasting.wake_at(now)
    }
}
