//! The streams of sound in PipeWire's graph.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::desktop::Report;

/// What programs do with sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    /// The programs that record, in alphabetical order.
    pub recording: Vec<String>,
    /// Whether sound is played; `None`: nobody can tell.
    pub playing: Option<bool>,
}

impl Report for Sound {
    fn replaces(&self, _: &Sound) -> bool {
        true
    }
}

/// The streams that there are, by the ids of their nodes.
#[derive(Debug, Default)]
pub(super) struct Graph(BTreeMap<u64, Stream>);

/// A stream that runs.
#[derive(Debug)]
enum Stream {
    Playing,
    Recording(String),
}

/// An object, as `pw-dump` prints it. An `info` of null is one that has gone.
#[derive(Debug, Deserialize)]
struct Object {
    id: u64,
    #[serde(default)]
    info: Option<Info>,
}

#[derive(Debug, Deserialize)]
struct Info {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    props: Option<Props>,
}

#[derive(Debug, Deserialize)]
struct Props {
    #[serde(rename = "media.class", default)]
    class: Option<String>,
    #[serde(rename = "application.name", default)]
    application: Option<String>,
    #[serde(rename = "node.name", default)]
    node: Option<String>,
    /// A level meter, which listens without keeping anything.
    #[serde(rename = "stream.monitor", default)]
    monitor: Option<Value>,
    /// It records what is played, and no microphone.
    #[serde(rename = "stream.capture.sink", default)]
    capture_sink: Option<Value>,
}

impl Graph {
    /// Takes in a list of objects that are new, have changed, or have gone.
    pub(super) fn update(&mut self, text: &str) -> Result<(), serde_json::Error> {
        for object in serde_json::from_str::<Vec<Object>>(text)? {
            match object.info.and_then(running) {
                Some(stream) => self.0.insert(object.id, stream),
                None => self.0.remove(&object.id),
            };
        }
        Ok(())
    }

    pub(super) fn sound(&self) -> Sound {
        let recording = self.0.values().filter_map(|stream| match stream {
            Stream::Recording(program) => Some(program.clone()),
            Stream::Playing => None,
        });
        let mut recording: Vec<_> = recording.collect();
        recording.sort();
        recording.dedup();
        Sound {
            recording,
            playing: Some(self.0.values().any(|stream| matches!(stream, Stream::Playing))),
        }
    }
}

/// The stream that an object is, if it runs. A stream that is paused is `idle` or `suspended`.
fn running(info: Info) -> Option<Stream> {
    let props = info.props?;
    if info.state.as_deref() != Some("running") {
        return None;
    }
    let is_set = |value: &Option<Value>| match value {
        Some(Value::Bool(set)) => *set,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    match props.class.as_deref() {
        Some("Stream/Output/Audio") => Some(Stream::Playing),
        Some("Stream/Input/Audio") if !is_set(&props.monitor) && !is_set(&props.capture_sink) => {
            let program = props.application.or(props.node);
            Some(Stream::Recording(program.unwrap_or_else(|| "unknown".to_owned())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u64, state: &str, props: &str) -> String {
        format!(
            r#"[{{"id":{id},"type":"PipeWire:Interface:Node","info":{{"state":"{state}","props":{{{props}}}}}}}]"#
        )
    }

    #[test]
    fn only_streams_that_run_count() {
        let mut graph = Graph::default();
        let mut after = |text: &str| {
            graph.update(text).expect("objects");
            graph.sound()
        };
        let sound = |recording: &[&str], playing| Sound {
            recording: recording.iter().map(ToString::to_string).collect(),
            playing: Some(playing),
        };
        let input = r#""media.class":"Stream/Input/Audio""#;
        let firefox = format!(r#"{input},"application.name":"Firefox""#);
        assert_eq!(after(&node(1, "running", &firefox)), sound(&["Firefox"], false));
        assert_eq!(
            after(&node(2, "running", r#""media.class":"Stream/Output/Audio""#)),
            sound(&["Firefox"], true)
        );
        assert_eq!(
            after(&node(3, "running", r#""media.class":"Audio/Source""#)),
            sound(&["Firefox"], true)
        );
        let meter = format!(r#"{input},"stream.monitor":true"#);
        assert_eq!(after(&node(4, "running", &meter)), sound(&["Firefox"], true));
        let of_speaker = format!(r#"{input},"stream.capture.sink":"true""#);
        assert_eq!(after(&node(5, "running", &of_speaker)), sound(&["Firefox"], true));
        assert_eq!(after(&node(1, "idle", &firefox)), sound(&[], true));
        assert_eq!(
            after(r#"[{"id":2,"info":null},{"id":7,"type":"PipeWire:Interface:Metadata","metadata":[]}]"#),
            sound(&[], false)
        );
    }
}
