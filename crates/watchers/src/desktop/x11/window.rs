//! What is known of one window of X11.

use x11rb::errors::ReplyError;
use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, GetPropertyReply, Window};

use super::display::Display;
use crate::desktop::{Sighting, sandbox};
use crate::window::Front;

x11rb::atom_manager! {
    /// The names that window managers and programs agreed upon.
    pub(super) Names: NamesCookie {
        _NET_ACTIVE_WINDOW,
        _NET_SUPPORTED,
        _NET_WM_NAME,
        _NET_WM_PID,
        _NET_WM_STATE,
        _NET_WM_STATE_FULLSCREEN,
        UTF8_STRING,
    }
}

/// What the reference calls a program or a title that a window does not name.
const UNKNOWN: &str = "unknown";

/// No title is longer, in units of four bytes.
const MAX_TEXT: u32 = 4096;
const MAX_LIST: u32 = 1024;

/// How many levels up to look for the window that names the program.
const MAX_LEVELS: usize = 32;

impl Display {
    /// Everything about a window. The window may vanish meanwhile, which is an error of the X server's.
    pub(super) fn sighting(&self, window: Window, names: &Names) -> Result<Sighting, ReplyError> {
        let state = self.property(window, names._NET_WM_STATE, MAX_LIST)?;
        let pid = self.pid(window, names)?;
        Ok(Sighting {
            front: Front {
                app: self.app(window)?.unwrap_or_else(|| UNKNOWN.to_owned()),
                title: self.title(window, names)?.unwrap_or_else(|| UNKNOWN.to_owned()),
            },
            pid,
            full_screen: Some(numbers(&state).any(|atom| atom == names._NET_WM_STATE_FULLSCREEN)),
            monitor: None,
            sandbox: pid.and_then(sandbox::of_process),
        })
    }

    /// The second part of `WM_CLASS`, of the window or the nearest one that it is in.
    fn app(&self, window: Window) -> Result<Option<String>, ReplyError> {
        let mut window = window;
        for _ in 0..MAX_LEVELS {
            let class = self.property(window, AtomEnum::WM_CLASS.into(), MAX_TEXT)?;
            if let Some(class) = class.value.split(|byte| *byte == 0).nth(1)
                && !class.is_empty()
            {
                return Ok(Some(latin1_or_utf8(class)));
            }
            let parent = self.connection.query_tree(window)?.reply()?.parent;
            if parent == x11rb::NONE || parent == self.root {
                break;
            }
            window = parent;
        }
        Ok(None)
    }

    fn title(&self, window: Window, names: &Names) -> Result<Option<String>, ReplyError> {
        for name in [names._NET_WM_NAME, AtomEnum::WM_NAME.into()] {
            let text = self.property(window, name, MAX_TEXT)?;
            if text.type_ == names.UTF8_STRING {
                return Ok(Some(String::from_utf8_lossy(&text.value).into_owned()));
            }
            if text.type_ != x11rb::NONE {
                return Ok(Some(latin1(&text.value)));
            }
        }
        Ok(None)
    }

    /// The process that owns the window. The X server knows best: what a program in a sandbox says of itself is its number in
    /// there.
    fn pid(&self, window: Window, names: &Names) -> Result<Option<u32>, ReplyError> {
        let asked = ClientIdSpec {
            client: window,
            mask: ClientIdMask::LOCAL_CLIENT_PID,
        };
        let known = self.connection.res_query_client_ids(&[asked]);
        if let Some(pid) = known
            .ok()
            .and_then(|cookie| cookie.reply().ok())
            .and_then(|reply| reply.ids.first()?.value.first().copied())
            .filter(|pid| *pid != 0)
        {
            return Ok(Some(pid));
        }
        let said = self.property(window, names._NET_WM_PID, 1)?;
        Ok(numbers(&said).next().filter(|pid| *pid != 0))
    }

    /// A property, of any type; of type `NONE` if the window does not have it.
    pub(super) fn property(
        &self,
        window: Window,
        name: Atom,
        length: u32,
    ) -> Result<GetPropertyReply, ReplyError> {
        self.connection
            .get_property(false, window, name, AtomEnum::ANY, 0, length)?
            .reply()
    }
}

/// The numbers in a property: atoms, windows, cardinals. None if it has something else.
pub(super) fn numbers(property: &GetPropertyReply) -> impl Iterator<Item = u32> {
    property.value32().into_iter().flatten()
}

/// `WM_CLASS` is Latin-1 by the standard, and UTF-8 in practice.
fn latin1_or_utf8(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| latin1(bytes), str::to_owned)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
