//! What the person does, how likely at which occasion, and for how long.

use crate::day::{MINUTE, Millis};
use crate::plan::Profile;
use crate::random::Random;
use crate::schedule::Mode;

/// Something that a person does for some minutes. Meetings are not chosen: the calendar says when they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Activity {
    Coding,
    Review,
    Reading,
    #[default]
    Mail,
    Chat,
    Documents,
    Slides,
    Tables,
    Tickets,
    Papers,
    Drawing,
    News,
    Social,
    Video,
    Game,
    Shopping,
    Photos,
}

use Activity::{
    Chat, Coding, Documents, Drawing, Game, Mail, News, Papers, Photos, Reading, Review, Shopping, Slides,
    Social, Tables, Tickets, Video,
};

const DEVELOPER: &[(Activity, i64)] = &[
    (Coding, 40),
    (Review, 12),
    (Reading, 14),
    (Mail, 8),
    (Chat, 12),
    (Documents, 5),
    (Tickets, 7),
    (News, 4),
    (Social, 3),
    (Drawing, 1),
];
const STUDENT: &[(Activity, i64)] = &[
    (Papers, 22),
    (Documents, 22),
    (Coding, 14),
    (Reading, 12),
    (Tables, 4),
    (Mail, 6),
    (Chat, 12),
    (Social, 9),
    (News, 3),
    (Video, 4),
    (Drawing, 2),
];
const MANAGER: &[(Activity, i64)] = &[
    (Mail, 30),
    (Chat, 20),
    (Slides, 14),
    (Tables, 13),
    (Documents, 11),
    (Tickets, 6),
    (News, 4),
    (Reading, 2),
];
const PRIVATE: &[(Activity, i64)] = &[
    (Video, 24),
    (Social, 18),
    (News, 12),
    (Game, 12),
    (Shopping, 8),
    (Chat, 10),
    (Mail, 4),
    (Photos, 4),
    (Coding, 5),
    (Reading, 3),
];

impl Activity {
    /// What comes next.
    pub(crate) fn next(random: &mut Random, profile: Profile, mode: Mode) -> Self {
        random.weighted(match (mode, profile) {
            (Mode::Private, _) => PRIVATE,
            (Mode::Work, Profile::Developer) => DEVELOPER,
            (Mode::Work, Profile::Student) => STUDENT,
            (Mode::Work, Profile::Manager) => MANAGER,
        })
    }

    /// How long it goes on.
    pub(crate) fn length(self, random: &mut Random) -> Millis {
        let (least, most) = match self {
            Coding => (8, 70),
            Documents | Slides | Tables | Papers => (6, 50),
            Video => (4, 75),
            Game => (15, 90),
            Review | Reading | Drawing => (3, 25),
            Mail | Chat | Tickets | News | Social | Shopping | Photos => (1, 16),
        };
        random.skewed(least * MINUTE, most * MINUTE)
    }
}
