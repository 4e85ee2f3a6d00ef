//! Code for the protocols of `crates/watchers/protocols`, on the compositor's side.

#![allow(
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unreachable_pub,
    unused_imports,
    unused_unsafe,
    unused_variables,
    clippy::all,
    reason = "generated"
)]

pub(super) mod cosmic {
    use wayland_protocols::ext::foreign_toplevel_list::v1::server::*;
    use wayland_server;
    use wayland_server::protocol::*;

    pub mod __interfaces {
        use wayland_protocols::ext::foreign_toplevel_list::v1::server::__interfaces::*;
        use wayland_server::backend as wayland_backend;
        use wayland_server::protocol::__interfaces::*;
        wayland_scanner::generate_interfaces!("protocols/cosmic-toplevel-info.xml");
    }
    use self::__interfaces::*;

    wayland_scanner::generate_server_code!("protocols/cosmic-toplevel-info.xml");
}

pub(super) mod kde_idle {
    use wayland_server;
    use wayland_server::protocol::*;

    pub mod __interfaces {
        use wayland_server::backend as wayland_backend;
        use wayland_server::protocol::__interfaces::*;
        wayland_scanner::generate_interfaces!("protocols/kde-idle.xml");
    }
    use self::__interfaces::*;

    wayland_scanner::generate_server_code!("protocols/kde-idle.xml");
}

pub(super) mod hyprland {
    use wayland_server;

    pub mod __interfaces {
        use wayland_server::backend as wayland_backend;
        wayland_scanner::generate_interfaces!("protocols/hyprland-lock-notify.xml");
    }
    use self::__interfaces::*;

    wayland_scanner::generate_server_code!("protocols/hyprland-lock-notify.xml");
}
