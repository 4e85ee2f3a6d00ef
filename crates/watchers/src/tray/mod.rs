//! An icon in the tray of the desktop, with a menu: look at the time, pause, switch watchers on and off, quit.
//!
//! The icon is a StatusNotifierItem, which KDE, Xfce, Cinnamon, LXQt, sway's bar and GNOME with an extension show. A desktop without
//! a tray is no error: the icon appears as soon as there is one.
//!
//! | module | what it does |
//! |---|---|
//! | `menu` | what is in the menu, and what each entry does |
//! | `dbusmenu` | the menu over D-Bus (`com.canonical.dbusmenu`) |
//! | `item` | the icon over D-Bus (`org.kde.StatusNotifierItem`) |
//! | `icon` | its picture |
//! | `show` | keeps it in the tray, and carries out what is chosen |

mod dbusmenu;
mod icon;
mod item;
mod menu;
mod show;
#[cfg(test)]
pub(crate) mod tests;

pub use show::show;
