//! What an X server says: the window in front, the time without input, and whether xscreensaver has locked the screen.
//!
//! Nothing here polls. The server reports changed properties, and alarms on its own idle counters.
//!
//! | module | what it does |
//! |---|---|
//! | `display` | [`Display`](display::Display): the connection, and waiting for what it reports |
//! | `patient_stream` | how the connection reads and writes; a server that hangs is given up |
//! | `front` | the source [`X11`]: the window in front |
//! | `window` | what is known of one window |
//! | `monitors` | which monitor a window is on |
//! | `idle` | the source [`XSync`]: whether there is input |
//! | `counters` | which idle counters to ask: one for everything, or one for each device |
//! | `input` | the source [`XInput`]: how much keyboard and pointer are used |
//! | `lock` | the source [`XScreenSaver`]: locks |

mod counters;
mod display;
mod front;
mod idle;
mod input;
mod lock;
mod monitors;
mod patient_stream;
mod window;

pub use front::X11;
pub use idle::XSync;
pub use input::XInput;
pub use lock::XScreenSaver;
