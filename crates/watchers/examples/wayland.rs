//! Prints what the Wayland compositor of this session offers, and then the window in front and whether somebody is there, as
//! they change.
//!
//! Run it with `cargo run -p timberline-watchers --example wayland`.

#[cfg(target_os = "linux")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    use std::sync::Arc;

    use timberline_watchers::desktop::Session;
    use timberline_watchers::desktop::wayland::{
        CosmicToplevel, ExtIdleNotify, KdeIdle, WlrForeignToplevel, offers,
    };

    let session = Arc::new(Session::of_this_process());
    match offers(&session).await {
        Ok(offers) => offers.iter().for_each(|offer| println!("{offer}")),
        Err(lost) => println!("{lost}"),
    }
    tokio::join!(
        print(WlrForeignToplevel::new(Arc::clone(&session))),
        print(CosmicToplevel::new(Arc::clone(&session))),
        print(ExtIdleNotify::new(Arc::clone(&session))),
        print(KdeIdle::new(session)),
    );
}

/// Prints what a source reports, and why it ends.
#[cfg(target_os = "linux")]
async fn print<R: std::fmt::Debug>(mut source: impl timberline_watchers::desktop::Source<R>) {
    use std::sync::Arc;

    use timberline_watchers::clock::SystemClock;
    use timberline_watchers::desktop::Reports;

    let name = source.name();
    let (reports, mut reported) = Reports::channel(Arc::new(SystemClock::new()));
    let mut watching = source.watch(reports);
    loop {
        tokio::select! {
            lost = &mut watching => return println!("{name} ends: {lost}"),
            Some(at) = reported.recv() => println!("{name} at {}: {:?}", at.time, at.report),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("There is no Wayland on this system.");
}
