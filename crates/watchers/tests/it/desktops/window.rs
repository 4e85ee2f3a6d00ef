//! A window of a Wayland client, drawn by hand: it needs no toolkit.

use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{wl_buffer, wl_compositor, wl_registry, wl_shm, wl_shm_pool, wl_surface};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::xdg::shell::client::{xdg_surface, xdg_toplevel, xdg_wm_base};

const WIDTH: i32 = 200;
const HEIGHT: i32 = 100;

enum Command {
    Title(String),
    FullScreen(bool),
    Close,
}

/// A window. It closes when this is dropped.
pub(super) struct Window {
    commands: Sender<Command>,
    socket: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Window {
    pub(super) fn open(socket: &Path, app: &str, title: &str) -> Window {
        let stream = UnixStream::connect(socket).unwrap();
        let socket = stream.try_clone().unwrap();
        let (commands, from) = channel();
        let (app, title) = (app.to_owned(), title.to_owned());
        let thread = std::thread::spawn(move || show(stream, app, title, &from));
        Window {
            commands,
            socket,
            thread: Some(thread),
        }
    }

    pub(super) fn title(&self, title: &str) {
        self.commands.send(Command::Title(title.to_owned())).unwrap();
    }

    pub(super) fn full_screen(&self, full: bool) {
        self.commands.send(Command::FullScreen(full)).unwrap();
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Close);
        // A compositor that hangs answers no more, and would be waited for without end.
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Client {
    surface: wl_surface::WlSurface,
    buffer: wl_buffer::WlBuffer,
}

fn show(stream: UnixStream, app: String, title: String, commands: &Receiver<Command>) {
    let connection = Connection::from_socket(stream).unwrap();
    let (globals, mut queue) = registry_queue_init::<Client>(&connection).unwrap();
    let handle = queue.handle();
    let compositor: wl_compositor::WlCompositor = globals.bind(&handle, 1..=4, ()).unwrap();
    let memory: wl_shm::WlShm = globals.bind(&handle, 1..=1, ()).unwrap();
    let shell: xdg_wm_base::XdgWmBase = globals.bind(&handle, 1..=2, ()).unwrap();
    let surface = compositor.create_surface(&handle, ());
    let shown = shell.get_xdg_surface(&surface, &handle, ());
    let window = shown.get_toplevel(&handle, ());
    window.set_app_id(app);
    window.set_title(title);
    surface.commit();
    let size = WIDTH * HEIGHT * 4;
    let mut pixels = tempfile::tempfile().unwrap();
    pixels
        .write_all(&vec![0x80; usize::try_from(size).unwrap()])
        .unwrap();
    let pool = memory.create_pool(pixels.as_fd(), size, &handle, ());
    let format = wl_shm::Format::Xrgb8888;
    let buffer = pool.create_buffer(0, WIDTH, HEIGHT, WIDTH * 4, format, &handle, ());
    let mut client = Client { surface, buffer };
    loop {
        while let Ok(command) = commands.try_recv() {
            match command {
                Command::Title(title) => window.set_title(title),
                Command::FullScreen(true) => window.set_fullscreen(None),
                Command::FullScreen(false) => window.unset_fullscreen(),
                Command::Close => return,
            }
            client.surface.commit();
        }
        if queue.roundtrip(&mut client).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Dispatch<xdg_surface::XdgSurface, ()> for Client {
    fn event(
        client: &mut Client,
        surface: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Client>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            client.surface.attach(Some(&client.buffer), 0, 0);
            client.surface.damage(0, 0, WIDTH, HEIGHT);
            client.surface.commit();
        }
    }
}

impl Dispatch<xdg_wm_base::XdgWmBase, ()> for Client {
    fn event(
        _: &mut Client,
        shell: &xdg_wm_base::XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Client>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for Client {
    fn event(
        _: &mut Client,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Client>,
    ) {
    }
}

delegate_noop!(Client: ignore wl_buffer::WlBuffer);
delegate_noop!(Client: ignore wl_compositor::WlCompositor);
delegate_noop!(Client: ignore wl_shm::WlShm);
delegate_noop!(Client: ignore wl_shm_pool::WlShmPool);
delegate_noop!(Client: ignore wl_surface::WlSurface);
delegate_noop!(Client: ignore xdg_toplevel::XdgToplevel);
