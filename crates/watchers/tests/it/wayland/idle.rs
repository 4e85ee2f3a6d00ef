//! `ext-idle-notify` and `kde-idle`.

use timberline_watchers::desktop::wayland::{ExtIdleNotify, KdeIdle};
use timberline_watchers::desktop::{
    Activity::{self, Active, Idle, Inhibited, Unknown},
    Lost,
};

use super::compositor::{Compositor, Offered, Timer};
use super::watched::{Watched, until};

fn ext(version: u32, seats: usize) -> (Compositor, Watched<Activity>) {
    let compositor = Compositor::start(Offered {
        ext_idle: version,
        seats,
        ..Offered::default()
    });
    let watched = Watched::start(ExtIdleNotify::new(compositor.session()));
    (compositor, watched)
}

fn kde() -> (Compositor, Watched<Activity>) {
    let compositor = Compositor::start(Offered {
        kde_idle: true,
        seats: 1,
        ..Offered::default()
    });
    let watched = Watched::start(KdeIdle::new(compositor.session()));
    (compositor, watched)
}

/// The timers that were asked for: seat, whether inhibitors are ignored, milliseconds.
fn timers(compositor: &Compositor) -> Vec<(usize, bool, u32)> {
    compositor.act(|desk| {
        let timers = desk.idle.0.iter();
        timers
            .map(|timer| (timer.seat, timer.ignores_inhibitors, timer.milliseconds))
            .collect()
    })
}

fn for_input(timer: &Timer) -> bool {
    timer.ignores_inhibitors
}

fn unless_inhibited(timer: &Timer) -> bool {
    !timer.ignores_inhibitors
}

/// With one timer, the last input is known to the moment, and no more is reported than changes.
async fn pauses_are_exact(compositor: Compositor, mut watched: Watched<Activity>) {
    assert_eq!(watched.next().await, (0, Unknown));
    assert_eq!(timers(&compositor), [(0, false, 5000)]);
    for begin in [0, 60_000] {
        watched.pass(25_000);
        compositor.act(|desk| desk.idle.run_out(|_| true));
        assert_eq!(watched.next().await, (begin + 20_000, Idle));
        watched.pass(35_000);
        compositor.act(|desk| desk.idle.resume(|_| true));
        assert_eq!(watched.next().await, (begin + 60_000, Active));
    }
}

#[tokio::test]
async fn pauses_are_exact_with_ext_idle_notify_version_1() {
    let (compositor, watched) = ext(1, 1);
    pauses_are_exact(compositor, watched).await;
}

#[tokio::test]
async fn pauses_are_exact_with_kde_idle() {
    let (compositor, watched) = kde();
    pauses_are_exact(compositor, watched).await;
}

#[tokio::test]
async fn version_2_distinguishes_a_video_from_input() {
    let (compositor, mut watched) = ext(2, 1);
    assert_eq!(watched.next().await, (0, Unknown));
    assert_eq!(timers(&compositor), [(0, true, 5000), (0, false, 4000)]);

    // A pause without a video.
    watched.pass(24_000);
    compositor.act(|desk| desk.idle.run_out(unless_inhibited));
    assert_eq!(watched.next().await, (20_000, Inhibited(false)));
    watched.pass(1000);
    compositor.act(|desk| desk.idle.run_out(for_input));
    assert_eq!(watched.next().await, (20_000, Idle));
    watched.pass(5000);
    compositor.act(|desk| desk.idle.resume(|_| true));
    assert_eq!(watched.next().await, (30_000, Active));

    // A pause while a video plays from before the pause until 100 s.
    watched.pass(25_000);
    compositor.act(|desk| desk.idle.run_out(for_input));
    assert_eq!(watched.next().await, (50_000, Idle));
    assert_eq!(watched.next().await, (50_000, Inhibited(true)));
    watched.pass(49_000);
    compositor.act(|desk| desk.idle.run_out(unless_inhibited));
    assert_eq!(watched.next().await, (100_000, Inhibited(false)));

    // Another one begins by itself, at 200 s.
    watched.pass(96_000);
    compositor.act(|desk| desk.idle.resume(unless_inhibited));
    assert_eq!(watched.next().await, (200_000, Inhibited(true)));
    watched.pass(10_000);
    compositor.act(|desk| desk.idle.resume(for_input));
    assert_eq!(watched.next().await, (210_000, Active));
}

#[tokio::test]
async fn the_user_is_idle_when_all_seats_are_idle() {
    let (compositor, mut watched) = ext(1, 2);
    assert_eq!(watched.next().await, (0, Unknown));
    assert_eq!(timers(&compositor), [(0, false, 5000), (1, false, 5000)]);
    watched.pass(10_000);
    compositor.act(|desk| desk.idle.run_out(|timer| timer.seat == 0));
    watched.pass(20_000);
    compositor.act(|desk| desk.idle.run_out(|timer| timer.seat == 1));
    assert_eq!(watched.next().await, (25_000, Idle));
    watched.pass(10_000);
    compositor.act(|desk| desk.idle.resume(|timer| timer.seat == 0));
    assert_eq!(watched.next().await, (40_000, Active));
}

#[tokio::test]
async fn seats_may_come_and_go() {
    let (compositor, mut watched) = ext(1, 1);
    assert_eq!(watched.next().await, (0, Unknown));
    compositor.act(|desk| desk.idle.run_out(|_| true));
    assert_eq!(watched.next().await, (0, Idle));
    watched.pass(10_000);
    compositor.act(|desk| desk.plug_seat());
    assert_eq!(watched.next().await, (10_000, Unknown));
    let both = [(0, false, 5000), (1, false, 5000)];
    until("its timer is asked for", || timers(&compositor) == both).await;
    compositor.act(|desk| desk.unplug_seat(1));
    assert_eq!(watched.next().await, (10_000, Idle));
    until("its timer is destroyed", || {
        timers(&compositor) == [(0, false, 5000)]
    })
    .await;
}

#[tokio::test]
async fn without_a_seat_or_without_timers_the_source_says_what_is_missing() {
    let (_compositor, watched) = ext(2, 0);
    let lost = watched.end().await;
    assert!(matches!(lost, Lost::Missing(_)), "{lost:?}");
    assert_eq!(lost.to_string(), "this compositor does not offer wl_seat");

    let (compositor, watched) = kde();
    drop(watched);
    let lost = Watched::start(ExtIdleNotify::new(compositor.session()))
        .end()
        .await;
    assert_eq!(
        lost.to_string(),
        "this compositor does not offer ext_idle_notifier_v1"
    );
}
