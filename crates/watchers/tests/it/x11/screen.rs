//! An X server without a screen, and windows on it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use timberline_test_support::poll;
use timberline_watchers::desktop::Session;
use x11rb::connection::Connection;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const PROGRAMS: [&str; 4] = ["Xvfb", "openbox", "xdotool", "xterm"];

/// Whether an X server can be started here. `make test` installs it; elsewhere the tests say why they do nothing.
pub(super) fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = PROGRAMS
        .iter()
        .find(|program| !std::env::split_paths(&path).any(|folder| folder.join(program).exists()));
    if let Some(missing) = missing {
        println!("skipped: {missing} is not installed (make desktop)");
    }
    missing.is_none()
}

/// An X server.
pub(super) struct Screen {
    pub(super) display: String,
    pub(super) connection: RustConnection,
    pub(super) root: Window,
    has_window_manager: bool,
    server: Child,
    programs: Vec<Child>,
}

impl Screen {
    /// An X server with a number that is free.
    pub(super) fn start() -> Screen {
        Screen::with(|server| server.args(["-displayfd", "1"]))
    }

    /// The same again, after its end.
    pub(super) fn restart(display: &str) -> Screen {
        Screen::with(|server| server.args([display, "-displayfd", "1"]))
    }

    fn with(options: impl FnOnce(&mut Command) -> &mut Command) -> Screen {
        let mut server = Command::new("Xvfb");
        server.args(["-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]);
        options(&mut server);
        server.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = server.spawn().expect("Xvfb");
        // It writes its number when it is ready.
        let mut number = String::new();
        let output = server.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut number).expect("a number");
        let display = format!(":{}", number.trim());
        let (connection, screen) = RustConnection::connect(Some(&display)).expect("a connection");
        let root = connection.setup().roots[screen].root;
        Screen {
            display,
            connection,
            root,
            has_window_manager: false,
            server,
            programs: Vec::new(),
        }
    }

    /// The same with a window manager.
    pub(super) fn with_window_manager() -> Screen {
        let mut screen = Screen::start();
        screen.start_window_manager();
        screen
    }

    pub(super) fn start_window_manager(&mut self) {
        self.has_window_manager = true;
        self.start_program(Command::new("openbox").args(["--sm-disable"]));
        let check = self.atom("_NET_SUPPORTING_WM_CHECK");
        poll("the window manager", || {
            let property = self
                .connection
                .get_property(false, self.root, check, AtomEnum::ANY, 0, 1);
            (property.unwrap().reply().unwrap().value_len > 0).then_some(())
        });
    }

    /// Starts a program on this screen, which ends with it. The number is that of its process.
    pub(super) fn start_program(&mut self, program: &mut Command) -> u32 {
        program
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY");
        program.stdout(Stdio::null()).stderr(Stdio::null());
        let program = program.spawn().expect("the program starts");
        let pid = program.id();
        self.programs.push(program);
        pid
    }

    /// Ends the program that was started last, without asking it.
    pub(super) fn kill_last_program(&mut self) {
        if let Some(mut program) = self.programs.pop() {
            end(&mut program);
        }
    }

    pub(super) fn xdotool(&self, arguments: &[&str]) {
        let mut tool = Command::new("xdotool");
        let done = tool.args(arguments).env("DISPLAY", &self.display).output();
        let done = done.expect("xdotool");
        assert!(done.status.success(), "xdotool {arguments:?}: {done:?}");
    }

    pub(super) fn session(&self) -> Arc<Session> {
        let variables = [("DISPLAY", self.display.as_str()), ("XDG_SESSION_TYPE", "x11")];
        Arc::new(Session::from_environment(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        }))
    }

    pub(super) fn atom(&self, name: &str) -> Atom {
        let asked = self.connection.intern_atom(false, name.as_bytes()).unwrap();
        asked.reply().unwrap().atom
    }

    /// A window with these properties, shown. The window manager gives it the focus.
    pub(super) fn open(&self, class: Option<&[u8]>, title: Option<&str>) -> Window {
        let window = self.create(self.root);
        if let Some(class) = class {
            self.set_text(window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), class);
        }
        if let Some(title) = title {
            self.set_title(window, title);
        }
        self.connection.map_window(window).unwrap();
        self.connection.sync().unwrap();
        if self.has_window_manager {
            poll("the window manager takes the window", || self.is_managed(window));
        }
        window
    }

    fn is_managed(&self, window: Window) -> Option<()> {
        // openbox may have read the request while it started, and look at it only when something else happens.
        self.set_numbers(self.root, "_TIMBERLINE_TEST", AtomEnum::CARDINAL, &[1]);
        let state = self.atom("WM_STATE");
        let state = self
            .connection
            .get_property(false, window, state, AtomEnum::ANY, 0, 1);
        (state.unwrap().reply().unwrap().value_len > 0).then_some(())
    }

    /// Asks the window manager to let the window fill the screen, or no longer.
    pub(super) fn set_full_screen(&self, window: Window, full: bool) {
        let (state, full_screen) = (self.atom("_NET_WM_STATE"), self.atom("_NET_WM_STATE_FULLSCREEN"));
        let asked = ClientMessageEvent::new(32, window, state, [u32::from(full), full_screen, 0, 1, 0]);
        let to = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.connection
            .send_event(false, self.root, to, asked)
            .unwrap()
            .check()
            .unwrap();
    }

    /// From now on the left half of the screen is a monitor of this name, and the right half another one.
    pub(super) fn divide_into_monitors(&self, left: &str, right: &str) {
        let whole = self.connection.randr_get_monitors(self.root, true).unwrap();
        let mut whole = whole.reply().unwrap().monitors;
        let whole = whole.pop().expect("Xvfb has a monitor");
        let width = whole.width / 2;
        for (name, x, outputs) in [(left, 0, whole.outputs), (right, width, Vec::new())] {
            let monitor = MonitorInfo {
                name: self.atom(name),
                x: i16::try_from(x).unwrap(),
                width,
                height: whole.height,
                outputs,
                ..MonitorInfo::default()
            };
            let set = self.connection.randr_set_monitor(self.root, monitor);
            set.unwrap().check().unwrap();
        }
    }

    pub(super) fn create(&self, parent: Window) -> Window {
        let window = self.connection.generate_id().unwrap();
        let depth = x11rb::COPY_DEPTH_FROM_PARENT;
        let how = CreateWindowAux::new();
        let class = WindowClass::INPUT_OUTPUT;
        self.connection
            .create_window(depth, window, parent, 0, 0, 300, 200, 0, class, 0, &how)
            .unwrap()
            .check()
            .unwrap();
        window
    }

    /// The title as all programs of this century set it.
    pub(super) fn set_title(&self, window: Window, title: &str) {
        let (name, utf8) = (self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"));
        self.set_text(window, name, utf8, title.as_bytes());
    }

    pub(super) fn set_text(&self, window: Window, name: Atom, kind: Atom, text: &[u8]) {
        self.connection
            .change_property8(PropMode::REPLACE, window, name, kind, text)
            .unwrap()
            .check()
            .unwrap();
    }

    pub(super) fn set_numbers(&self, window: Window, name: &str, kind: AtomEnum, numbers: &[u32]) {
        self.connection
            .change_property32(PropMode::REPLACE, window, self.atom(name), kind, numbers)
            .unwrap()
            .check()
            .unwrap();
    }

    /// The end of the X server, without warning.
    pub(super) fn kill(&mut self) {
        end(&mut self.server);
        // What it leaves behind when it is killed would keep others from its number.
        let number = self.display.trim_start_matches(':');
        let _ = std::fs::remove_file(Path::new("/tmp").join(format!(".X{number}-lock")));
        let _ = std::fs::remove_file(Path::new("/tmp/.X11-unix").join(format!("X{number}")));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.programs.iter_mut().for_each(end);
        self.kill();
    }
}

fn end(program: &mut Child) {
    let _ = program.kill();
    let _ = program.wait();
}
