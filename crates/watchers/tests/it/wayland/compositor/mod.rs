//! A compositor that does what a test says. It has no surfaces and no input: only what a watcher asks for.
//!
//! It runs on a thread of its own, as a real one runs in a process of its own.

mod cosmic;
mod idle;
mod lock;
mod monitors;
mod protocols;
mod seats;
mod windows;
mod wlr;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tempfile::TempDir;
use timberline_watchers::desktop::Session;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixListener;
use wayland_server::backend::{ClientData, ClientId, DisconnectReason, GlobalId};
use wayland_server::{Display, DisplayHandle};

pub(super) use idle::Timer;
pub(super) use windows::Window;

/// What a compositor offers. `0` or `false`: it does not.
#[derive(Clone, Debug, Default)]
pub(super) struct Offered {
    /// The version of `zwlr_foreign_toplevel_manager_v1`.
    pub(super) wlr: u32,
    /// The version of `zcosmic_toplevel_info_v1`, with `ext_foreign_toplevel_list_v1`.
    pub(super) cosmic: u32,
    /// The version of `ext_idle_notifier_v1`.
    pub(super) ext_idle: u32,
    /// `org_kde_kwin_idle`.
    pub(super) kde_idle: bool,
    /// `hyprland_lock_notifier_v1`.
    pub(super) lock: bool,
    /// How many seats there are.
    pub(super) seats: usize,
    /// The names of the monitors.
    pub(super) monitors: Vec<&'static str>,
    /// Monitors do not say their names themselves; `zxdg_output_manager_v1` does.
    pub(super) old_monitors: bool,
}

/// The state of the compositor.
pub(super) struct Desk {
    display: DisplayHandle,
    globals: Vec<(&'static str, GlobalId)>,
    pub(super) windows: Vec<Window>,
    /// The handles of windows that clients have not destroyed.
    pub(super) handles: usize,
    wlr: wlr::Managers,
    cosmic: cosmic::Lists,
    pub(super) idle: idle::Timers,
    lock: lock::Lock,
    monitors: monitors::Monitors,
    pub(super) windows_opened: usize,
}

/// What a test does with the compositor.
type Action = Box<dyn FnOnce(&mut Desk) + Send>;

/// A compositor that runs.
pub(super) struct Compositor {
    directory: Arc<TempDir>,
    actions: Option<tokio::sync::mpsc::UnboundedSender<Action>>,
    thread: Option<JoinHandle<()>>,
}

impl Compositor {
    /// Starts it in a new directory.
    pub(super) fn start(offered: Offered) -> Compositor {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        Compositor::start_in(Arc::new(directory), offered)
    }

    /// Ends it and starts another one at the same place.
    pub(super) fn restart(mut self, offered: Offered) -> Compositor {
        self.quit();
        std::fs::remove_file(socket(&self.directory)).expect("the socket");
        Compositor::start_in(Arc::clone(&self.directory), offered)
    }

    fn start_in(directory: Arc<TempDir>, offered: Offered) -> Compositor {
        let (actions, wanted) = tokio::sync::mpsc::unbounded_channel();
        let socket = socket(&directory);
        let (listening, started) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            runtime.expect("a runtime").block_on(async {
                let listener = UnixListener::bind(socket).expect("a socket");
                listening.send(()).expect("the test waits");
                serve(&listener, &offered, wanted).await;
            });
        });
        started.recv().expect("the compositor starts");
        Compositor {
            directory,
            actions: Some(actions),
            thread: Some(thread),
        }
    }

    /// The session in which it runs.
    pub(super) fn session(&self) -> Arc<Session> {
        session_at(socket(&self.directory))
    }

    /// Lets it do something. All that clients are sent is sent at once.
    pub(super) fn act<T: Send + 'static>(&self, action: impl FnOnce(&mut Desk) -> T + Send + 'static) -> T {
        let (answer, answered) = mpsc::channel();
        let actions = self.actions.as_ref().expect("it runs");
        let action: Action = Box::new(move |desk| answer.send(action(desk)).expect("the test waits"));
        assert!(actions.send(action).is_ok(), "the compositor runs");
        answered.recv().expect("the compositor answers")
    }

    /// Ends it, as if it were killed.
    pub(super) fn quit(&mut self) {
        self.actions = None;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the compositor does not panic");
        }
    }
}

impl Drop for Compositor {
    fn drop(&mut self) {
        self.actions = None;
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the compositor does not panic"
            );
        }
    }
}

fn socket(directory: &TempDir) -> PathBuf {
    directory.path().join("wayland-7")
}

/// A session whose compositor listens there.
pub(super) fn session_at(socket: PathBuf) -> Arc<Session> {
    let mut session = Session::from_environment(|_| None);
    session.wayland_display = Some(socket.into_os_string());
    Arc::new(session)
}

/// Runs the compositor until the test drops its end of `actions`.
async fn serve(
    listener: &UnixListener,
    offered: &Offered,
    mut actions: tokio::sync::mpsc::UnboundedReceiver<Action>,
) {
    let mut display: Display<Desk> = Display::new().expect("a display");
    let mut desk = Desk::new(display.handle(), offered);
    let requests = display.backend().poll_fd().try_clone_to_owned();
    let requests = requests.expect("a descriptor");
    // SAFETY: an `OwnedFd` is open as long as it is there, and stays the same.
    let requests = unsafe { AsyncFd::register_with_interest(requests, Interest::READABLE) };
    let requests = requests.expect("a descriptor that can be waited for");
    loop {
        display.flush_clients().expect("clients are alive or gone");
        tokio::select! {
            client = listener.accept() => {
                let client = client.and_then(|(client, _)| client.into_std());
                let client = desk.display.insert_client(client.expect("a client"), Arc::new(AnyClient));
                client.expect("a place for the client");
            }
            ready = requests.readable() => {
                display.dispatch_clients(&mut desk).expect("requests are read");
                ready.expect("the descriptor is open").clear_ready();
            }
            action = actions.recv() => match action {
                Some(action) => action(&mut desk),
                None => return,
            },
        }
    }
}

impl Desk {
    fn new(display: DisplayHandle, offered: &Offered) -> Desk {
        let mut desk = Desk {
            display,
            globals: Vec::new(),
            windows: Vec::new(),
            handles: 0,
            wlr: wlr::Managers::default(),
            cosmic: cosmic::Lists::default(),
            idle: idle::Timers::default(),
            lock: lock::Lock::default(),
            monitors: monitors::Monitors::default(),
            windows_opened: 0,
        };
        for _ in 0..offered.seats {
            desk.plug_seat();
        }
        desk.offer_windows(offered);
        desk.offer_idle(offered);
        desk.offer_lock(offered);
        desk.offer_monitors(offered);
        desk
    }

    /// Withdraws what it offers of an interface.
    pub(super) fn withdraw(&mut self, interface: &str) {
        for (_, global) in self.globals.extract_if(.., |(known, _)| *known == interface) {
            self.display.remove_global::<Desk>(global);
        }
    }
}

struct AnyClient;

impl ClientData for AnyClient {
    fn initialized(&self, _: ClientId) {}
    fn disconnected(&self, _: ClientId, _: DisconnectReason) {}
}

/// Objects of these interfaces get requests to which the compositor does nothing.
macro_rules! ignores_requests {
    ($($interface:ty: $data:ty),* $(,)?) => {$(
        impl wayland_server::Dispatch<$interface, $data> for $crate::wayland::compositor::Desk {
            fn request(
                _: &mut Self,
                _: &wayland_server::Client,
                _: &$interface,
                _: <$interface as wayland_server::Resource>::Request,
                _: &$data,
                _: &wayland_server::DisplayHandle,
                _: &mut wayland_server::DataInit<'_, Self>,
            ) {
            }
        }
    )*};
}
use ignores_requests;
