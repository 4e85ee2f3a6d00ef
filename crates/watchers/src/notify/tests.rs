//! Notifications, as the desktop's service on a private bus gets them.

mod ask;
mod desktop;
mod silence;
