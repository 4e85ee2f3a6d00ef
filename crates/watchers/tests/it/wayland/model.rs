//! Random operations of a compositor, against a plain model of what is in front.

use proptest::collection::vec;
use proptest::prelude::*;
use timberline_watchers::desktop::Sighting;
use timberline_watchers::desktop::wayland::{CosmicToplevel, WlrForeignToplevel};
use timberline_watchers::window::Front;

use super::compositor::{Compositor, Desk, Offered};
use super::watched::{Watched, until};

/// What happens. Numbers choose one of the open windows.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open(u8),
    OpenInFront(u8),
    Focus(usize),
    Leave,
    Title(usize, u8),
    FullScreen(usize, bool),
    Close(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<u8>().prop_map(Step::Open),
        3 => any::<u8>().prop_map(Step::OpenInFront),
        4 => any::<usize>().prop_map(Step::Focus),
        1 => Just(Step::Leave),
        4 => (any::<usize>(), any::<u8>()).prop_map(|(window, title)| Step::Title(window, title)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(window, on)| Step::FullScreen(window, on)),
        3 => any::<usize>().prop_map(Step::Close),
    ]
}

/// An open window of the model: its number at the compositor, and how it looks.
type Open = (usize, Sighting);

/// The open windows and the one in front.
#[derive(Default)]
struct Model {
    open: Vec<Open>,
    opened: usize,
    front: Option<usize>,
}

impl Model {
    fn take(&mut self, step: Step) {
        match step {
            Step::Open(app) | Step::OpenInFront(app) => {
                let front = Front {
                    app: format!("app {}", app % 4),
                    title: "new".to_owned(),
                };
                self.open.push((
                    self.opened,
                    Sighting {
                        front,
                        full_screen: Some(false),
                        ..Sighting::default()
                    },
                ));
                if matches!(step, Step::OpenInFront(_)) {
                    self.front = Some(self.opened);
                }
                self.opened += 1;
            }
            Step::Leave => self.front = None,
            Step::Focus(window) => self.front = self.chosen(window).map(|(id, _)| *id).or(self.front),
            Step::Title(window, title) => {
                let chosen = self.chosen(window);
                chosen
                    .into_iter()
                    .for_each(|(_, look)| look.front.title = title_of(title));
            }
            Step::FullScreen(window, on) => {
                let chosen = self.chosen(window);
                chosen
                    .into_iter()
                    .for_each(|(_, look)| look.full_screen = Some(on));
            }
            Step::Close(window) => {
                if let Some(&mut (id, _)) = self.chosen(window) {
                    self.open.retain(|(open, _)| *open != id);
                    self.front = self.front.filter(|front| *front != id);
                }
            }
        }
    }

    fn chosen(&mut self, number: usize) -> Option<&mut Open> {
        let count = self.open.len().max(1);
        self.open.get_mut(number % count)
    }

    fn front(&self) -> Option<Sighting> {
        let front = self.open.iter().find(|(id, _)| Some(*id) == self.front);
        front.map(|(_, look)| look.clone())
    }
}

fn title_of(title: u8) -> String {
    format!("title {}", title % 3)
}

/// What the compositor does.
fn act(desk: &mut Desk, step: Step) {
    let chosen = |desk: &Desk, number: usize| {
        let count = desk.windows.len().max(1);
        desk.windows.get(number % count).map(|window| window.id)
    };
    match step {
        Step::Open(app) => {
            desk.open(&format!("app {}", app % 4), "new");
        }
        Step::OpenInFront(app) => {
            let new = desk.open(&format!("app {}", app % 4), "new");
            desk.focus(Some(new));
        }
        Step::Leave => desk.focus(None),
        Step::Focus(window) => {
            if let Some(id) = chosen(desk, window) {
                desk.focus(Some(id));
            }
        }
        Step::Title(window, title) => {
            let chosen = chosen(desk, window);
            chosen.into_iter().for_each(|id| desk.title(id, &title_of(title)));
        }
        Step::FullScreen(window, on) => {
            let chosen = chosen(desk, window);
            chosen.into_iter().for_each(|id| desk.full_screen(id, on));
        }
        Step::Close(window) => {
            let chosen = chosen(desk, window);
            chosen.into_iter().for_each(|id| desk.close(id));
        }
    }
}

/// The compositor does the same. COSMIC says later whether a new window is active, so such a window gets the focus after that.
async fn perform(compositor: &Compositor, step: Step, cosmic: bool) {
    let (Step::Open(app) | Step::OpenInFront(app)) = step else {
        return compositor.act(move |desk| act(desk, step));
    };
    if !cosmic {
        return compositor.act(move |desk| act(desk, step));
    }
    compositor.act(move |desk| act(desk, Step::Open(app)));
    until("the states are asked for", || {
        compositor.act(|desk| desk.send_states() > 0)
    })
    .await;
    if matches!(step, Step::OpenInFront(_)) {
        compositor.act(|desk| {
            let last = desk.windows.last().map(|window| window.id);
            desk.focus(last);
        });
    }
}

/// Every change of what is in front is reported, with its time, and nothing else.
async fn equal(
    steps: &[Step],
    compositor: &Compositor,
    mut watched: Watched<Option<Sighting>>,
    cosmic: bool,
) {
    let mut model = Model::default();
    assert_eq!(watched.next().await, (0, None));
    let mut reported = None;
    // Had there been a report too many at the end, it would come before that of the last step.
    let steps = steps.iter().copied().chain([Step::Leave, Step::OpenInFront(0)]);
    for (second, step) in (1..).zip(steps) {
        watched.pass(1000);
        perform(compositor, step, cosmic).await;
        model.take(step);
        if model.front() != reported {
            reported = model.front();
            assert_eq!(
                watched.next().await,
                (second * 1000, reported.clone()),
                "{step:?}"
            );
        }
    }
}

fn in_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn wlr_reports_equal_the_model(steps in vec(step(), 1..40)) {
        let compositor = Compositor::start(Offered { wlr: 3, ..Offered::default() });
        in_runtime(async {
            let watched = Watched::start(WlrForeignToplevel::new(compositor.session()));
            equal(&steps, &compositor, watched, false).await;
        });
    }

    #[test]
    fn cosmic_reports_equal_the_model(steps in vec(step(), 1..40)) {
        let compositor = Compositor::start(Offered { cosmic: 2, ..Offered::default() });
        in_runtime(async {
            let watched = Watched::start(CosmicToplevel::new(compositor.session()));
            equal(&steps, &compositor, watched, true).await;
        });
    }
}
