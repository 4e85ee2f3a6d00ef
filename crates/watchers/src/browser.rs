//! Opens a page in the person's browser.
//!
//! The desktop's portal starts the browser itself, so the browser has nothing of Timberline's: no environment, no process group, and no
//! control group of systemd, with which it would end. Where there is no portal, `xdg-open` is started instead.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use zbus::message::Type;
use zbus::{MatchRule, Variant};

use crate::desktop::bus::{self, Signals};
use crate::environment;

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const OBJECT: &str = "/org/freedesktop/portal/desktop";
const OPEN_URI: &str = "org.freedesktop.portal.OpenURI";
const REQUEST: &str = "org.freedesktop.portal.Request";

/// The portal may ask the person which browser to use. If that takes longer, the question is withdrawn.
const PATIENCE: Duration = Duration::from_secs(300);
/// What the portal says when neither it nor the person has decided otherwise: done, and cancelled by the person.
const DONE: [u32; 2] = [0, 1];

/// Opens a page, without waiting for it. Within a runtime of tokio.
pub fn open(bus: Option<String>, url: String) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        tracing::error!(url, "the browser cannot be opened here");
        return;
    };
    runtime.spawn(async move {
        let Err(why) = by_portal(bus.as_deref(), &url).await else {
            return;
        };
        tracing::debug!(why, "no portal opens the browser: xdg-open is started");
        match opener("xdg-open".as_ref(), &url).spawn() {
            // Somebody must wait for it.
            Ok(mut child) => drop(child.wait().await),
            Err(error) => tracing::warn!(%error, url, "the browser cannot be opened (xdg-open)"),
        }
    });
}

/// Lets the portal open a page. An error is why it does not.
async fn by_portal(bus: Option<&str>, url: &str) -> Result<(), String> {
    let connection = bus::connect(bus, "session bus")
        .await
        .map_err(|lost| lost.to_string())?;
    let failed = |error: zbus::Error| error.to_string();
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(PORTAL)
        .interface(REQUEST)
        .member("Response")
        .build()
        .map_err(failed)?;
    // Before the call: the answer may come at once.
    let mut responses = Signals::of(&connection, rule).await.map_err(failed)?;
    let no_window = "";
    let arguments = (no_window, url, HashMap::<&str, Variant<'_>>::new());
    connection
        .call_method(Some(PORTAL), OBJECT, Some(OPEN_URI), "OpenURI", &arguments)
        .await
        .map_err(failed)?;
    // The portal drops the request when the connection ends.
    let Ok(response) = tokio::time::timeout(PATIENCE, responses.next()).await else {
        return Ok(());
    };
    let response = response.map_err(failed)?;
    match response
        .body()
        .deserialize::<(u32, HashMap<String, zbus::OwnedVariant>)>()
    {
        Ok((code, _)) if !DONE.contains(&code) => Err(format!("the portal answers with {code}")),
        _ => Ok(()),
    }
}

/// A program with a page, in a session of its own: what ends Timberline in a terminal does not end the browser.
fn opener(program: &OsStr, url: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    environment::withhold(command.as_std_mut());
    // SAFETY: between fork and exec only a system call without allocation or locks is made.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
    use zbus::OwnedObjectPath;
    use zbus::object_server::SignalEmitter;

    use super::*;
    use timberline_test_support::PrivateBus;

    /// A portal that answers each request with this number.
    struct Portal {
        answer: u32,
        opened: UnboundedSender<String>,
    }

    #[zbus::interface(name = "org.freedesktop.portal.OpenURI")]
    impl Portal {
        #[zbus(name = "OpenURI")]
        async fn open_uri(
            &self,
            _window: String,
            uri: String,
            _options: HashMap<String, zbus::OwnedVariant>,
            #[zbus(header)] header: zbus::message::Header<'_>,
            #[zbus(connection)] connection: &zbus::Connection,
        ) -> OwnedObjectPath {
            let _ = self.opened.send(uri);
            let request = "/org/freedesktop/portal/desktop/request/1";
            let to = header.sender().expect("a sender").to_owned();
            let emitter = SignalEmitter::new(connection, request).expect("an object");
            let emitter = emitter.set_destination(to.into());
            let results = HashMap::<&str, Variant<'_>>::new();
            let emitted = emitter.emit(REQUEST, "Response", &(self.answer, results)).await;
            emitted.expect("a signal");
            OwnedObjectPath::try_from(request).expect("a path")
        }
    }

    #[tokio::test]
    async fn the_portal_opens_pages_and_says_when_it_does_not() {
        let bus = PrivateBus::start();
        let refused = by_portal(Some(&bus.address), "http://localhost/").await;
        assert!(refused.is_err());
        for (answer, is_done) in [(0, true), (1, true), (2, false)] {
            let (send, mut opened) = unbounded_channel();
            let portal = Portal { answer, opened: send };
            let service = zbus::connection::Builder::address(bus.address.as_str());
            let service = service.serve_at(OBJECT, portal).name(PORTAL);
            let service = service.build().await.expect("a service");
            let outcome = by_portal(Some(&bus.address), "http://localhost/").await;
            assert_eq!(outcome.is_ok(), is_done, "{answer}: {outcome:?}");
            assert_eq!(opened.recv().await.as_deref(), Some("http://localhost/"));
            service.close().await.expect("closed");
        }
        assert!(by_portal(None, "http://localhost/").await.is_err());
    }

    #[tokio::test]
    async fn a_program_gets_the_page_in_a_session_of_its_own_and_no_secret() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("opener");
        let said = dir.path().join("said");
        // The sixth field is the session.
        let script = format!(
            "#!/bin/sh\necho \"$1\" > '{0}'\ncut -d' ' -f1,6 /proc/$$/stat >> '{0}'\n",
            said.display()
        );
        std::fs::write(&path, script).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let mut opener = opener(path.as_os_str(), "http://localhost/");
        assert!(environment::is_withheld(opener.as_std()));
        opener.status().await.expect("started");
        let said = std::fs::read_to_string(&said).expect("text");
        let mut lines = said.lines();
        assert_eq!(lines.next(), Some("http://localhost/"));
        let (process, session) = lines
            .next()
            .and_then(|ids| ids.split_once(' '))
            .expect("two numbers");
        assert_eq!(process, session);
    }
}
