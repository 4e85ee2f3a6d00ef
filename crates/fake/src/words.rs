//! Names, files, titles, addresses. People and companies are invented. Some texts are here because they are difficult to show: right
//! to left, very long, with markup, with emoji.

use crate::plan::Profile;

/// Something that the person works on for weeks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Project {
    pub(crate) name: &'static str,
    /// Files with their language.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

/// What a person of this profile works on.
pub(crate) fn projects(profile: Profile) -> &'static [Project] {
    match profile {
        Profile::Developer => SOFTWARE,
        Profile::Student => STUDIES,
        Profile::Manager => BUSINESS,
    }
}

const SOFTWARE: &[Project] = &[
    Project {
        name: "harbor",
        files: &[
            ("src/main.rs", "rust"),
            ("src/store.rs", "rust"),
            ("src/server/routes.rs", "rust"),
            ("src/server/tls.rs", "rust"),
            ("tests/restart.rs", "rust"),
            ("Cargo.toml", "toml"),
            ("README.md", "markdown"),
        ],
    },
    Project {
        name: "tidepool",
        files: &[
            ("src/App.svelte", "svelte"),
            ("src/charts/week.ts", "typescript"),
            ("src/api/client.ts", "typescript"),
            ("src/styles/tokens.css", "css"),
            ("tests/week.test.ts", "typescript"),
            ("package.json", "json"),
        ],
    },
    Project {
        name: "lantern",
        files: &[
            ("lantern/model.py", "python"),
            ("lantern/train.py", "python"),
            ("lantern/data/loader.py", "python"),
            ("notebooks/explore.ipynb", "jupyter"),
            ("tests/test_model.py", "python"),
            ("pyproject.toml", "toml"),
        ],
    },
    Project {
        name: "meridian",
        files: &[
            ("cmd/meridian/main.go", "go"),
            ("internal/geo/projection.go", "go"),
            ("internal/geo/projection_test.go", "go"),
            ("deploy/compose.yaml", "yaml"),
            ("Makefile", "makefile"),
        ],
    },
    Project {
        name: "aw-watcher-garden",
        files: &[
            ("src/lib.rs", "rust"),
            ("src/soil.rs", "rust"),
            ("README.md", "markdown"),
        ],
    },
];

const STUDIES: &[Project] = &[
    Project {
        name: "thesis",
        files: &[
            ("thesis.tex", "latex"),
            ("chapters/method.tex", "latex"),
            ("chapters/results.tex", "latex"),
            ("references.bib", "bibtex"),
            ("figures/plot.py", "python"),
        ],
    },
    Project {
        name: "os-exercises",
        files: &[
            ("sheet04/scheduler.c", "c"),
            ("sheet04/Makefile", "makefile"),
            ("sheet05/pages.c", "c"),
        ],
    },
    Project {
        name: "statistics",
        files: &[
            ("exercise.R", "r"),
            ("report.Rmd", "markdown"),
            ("data.csv", "csv"),
        ],
    },
];

const BUSINESS: &[Project] = &[
    Project {
        name: "northstar",
        files: &[("roadmap.md", "markdown")],
    },
    Project {
        name: "expansion",
        files: &[("plan.md", "markdown")],
    },
];

pub(crate) const COMMANDS: &[&str] = &[
    "cargo test",
    "cargo clippy --all-targets",
    "git log --oneline --graph",
    "git rebase -i main",
    "npm run dev",
    "pytest -x",
    "go test ./...",
    "htop",
    "ssh build.example.com",
    "docker compose up",
    "man 2 msync",
];

pub(crate) const QUESTIONS: &[&str] = &[
    "How to escape <script>alert(\"hi\")</script> in a template?",
    "What does \"cannot borrow as mutable\" mean here?",
    "How do I undo the most recent local commits in Git?",
    "Why is my canvas blurry on a high-density display?",
    "Difference between a process and a thread",
    "Sort a list of dictionaries by two keys",
    "How does daylight saving time affect cron?",
    "CSS grid: equal height rows & overflow",
];

pub(crate) const DOCUMENTATION: &[(&str, &str)] = &[
    (
        "std::sync::Arc - Rust",
        "https://doc.rust-lang.org/std/sync/struct.Arc.html",
    ),
    (
        "Intl.DurationFormat - JavaScript | MDN",
        "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Global_Objects/Intl/DurationFormat",
    ),
    (
        "Array.prototype.toSorted() - JavaScript | MDN",
        "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Global_Objects/Array/toSorted",
    ),
    (
        "argparse — Python documentation",
        "https://docs.python.org/3/library/argparse.html",
    ),
    ("net/http - Go Packages", "https://pkg.go.dev/net/http"),
    (
        "ActivityWatch documentation",
        "https://docs.activitywatch.net/en/latest/",
    ),
    (
        "msync(2) - Linux manual page",
        "https://man7.org/linux/man-pages/man2/msync.2.html",
    ),
    ("localhost:5173", "http://localhost:5173/#/week"),
];

pub(crate) const ARTICLES: &[&str] = &[
    "Log-structured merge-tree",
    "Daylight saving time",
    "Timeline",
    "Treeline",
    "Kahan summation algorithm",
    "Color blindness",
    "Antikythera mechanism",
];

pub(crate) const CHANGES: &[&str] = &[
    "Keep the order of equal keys",
    "Retry when the disk is full",
    "Chart: colours for people who see few",
    "Weekly view begins on the wrong day",
    "Make the parser refuse trailing commas",
    "Start takes 40 s with a large log",
    "Replace the cache by a plain table",
    "Übersetzung: Datum im Kalender",
    "Update dependencies",
];

pub(crate) const HANDLES: &[&str] = &["noor", "mateo-r", "yuki", "lenak", "kofi-a", "renovate"];

pub(crate) const PEOPLE: &[&str] = &[
    "Lena Krüger",
    "Mateo Ruiz",
    "Noor Haddad",
    "Yuki Tanabe 田辺",
    "Kofi Asante",
    "Юлия Орлова",
    "سارة منصور",
    "Priya Raman",
    "Zoë O'Neill",
];

pub(crate) const CHANNELS: &[&str] = &[
    "general",
    "build",
    "design",
    "incidents",
    "random",
    "lunch",
    "release-train",
];

pub(crate) const SUBJECTS: &[&str] = &[
    "Minutes of yesterday",
    "Your invoice for this month",
    "Re: Re: Fwd: Question about the contract",
    "Invitation: Quarterly review",
    "Build failed on main",
    "Reise nach Köln: Tickets",
    "Offer, second version",
    "Newsletter: What is new in databases 🎉",
];

pub(crate) const DOCUMENTS: &[&str] = &[
    "Design: one log for everything",
    "Notes of the retrospective",
    "Roadmap",
    "Onboarding",
    "Proposal",
    "Term paper, draft 3",
    "Essay about clocks",
];

pub(crate) const TABLES: &[&str] = &[
    "Budget",
    "Headcount",
    "Forecast Q3",
    "Measurements",
    "Travel expenses",
];

pub(crate) const PAPERS: &[&str] = &[
    "The Log-Structured Merge-Tree (LSM-Tree)",
    "Time, Clocks, and the Ordering of Events in a Distributed System",
    "Attention Is All You Need",
    "What Every Computer Scientist Should Know About Floating-Point Arithmetic",
    "Lecture notes, chapter 7",
];

pub(crate) const MEETINGS: &[&str] = &[
    "Design review",
    "Customer call: Blue Lake",
    "Interview",
    "Incident review",
    "Roadmap",
    "1:1 with Kofi",
    "Budget",
    "All hands",
];

pub(crate) const TASKS: &[&str] = &[
    "Blue Lake: call",
    "Write the report",
    "Review of the quarter",
    "Deep work",
    "Reading",
];

pub(crate) const PICTURES: &[&str] = &["logo", "poster", "banner-dark", "figure-2"];

pub(crate) const HEADLINES: &[&str] = &[
    "Scientists date the oldest tree above the timberline",
    "Trains run on time for a whole week",
    "Rain, then sun, then rain",
    "Parliament votes on permanent summer time",
    "Why everyone bakes bread again",
];

pub(crate) const PAPERS_OF_NEWS: &[(&str, &str)] = &[
    ("The Daily Example", "news.example.com"),
    ("Hacker News", "news.ycombinator.com"),
    ("Beispielzeitung", "zeitung.example.de"),
];

pub(crate) const POSTS: &[(&str, &str)] = &[
    (
        "rust",
        "I wrote a database in a weekend, and it lost my data in another",
    ),
    (
        "productivity",
        "What did you learn from a year of tracking your time?",
    ),
    (
        "AskHistorians",
        "How did people know when to come to a meeting before clocks?",
    ),
    ("aww", "She waits at the window every day at 17:00"),
    ("dataisbeautiful", "[OC] My year, by the minute"),
];

/// One of them is longer than any column.
pub(crate) const VIDEOS: &[&str] = &[
    "The clock that will tick for 10,000 years",
    "Building a cabin above the tree line, alone, in winter",
    "وثائقي عن أعماق البحر",
    "שיעור גיטרה למתחילים",
    "東京の朝 - 4K 散歩",
    "lofi beats to study to 🌧️🎧",
    "How databases survive a power cut",
    "FULL ALBUM + LYRICS + COMMENTARY + OUTTAKES + LIVE AT THE OLD RAILWAY STATION (REMASTERED 2024, 10 HOURS, NO ADS, WITH CHAPTERS, PLEASE READ THE DESCRIPTION BEFORE ASKING WHERE THE SECOND HALF OF THE SECOND HALF IS, THANK YOU ALL FOR 100,000 SUBSCRIBERS)",
    "Cooking dal like grandmother did",
];

pub(crate) const GAMES: &[(&str, &str)] = &[
    ("Minecraft", "Minecraft 1.21"),
    ("RimWorld", "RimWorld by Ludeon Studios"),
    ("factorio", "Factorio"),
];

pub(crate) const SHOPS: &[(&str, &str)] = &[
    (
        "Hiking boots - Example Outdoor",
        "https://shop.example.com/boots?size=42&colour=brown",
    ),
    ("Your basket - Example Outdoor", "https://shop.example.com/basket"),
    (
        "Flights to Lisbon",
        "https://travel.example.com/flights?from=CGN&to=LIS",
    ),
    (
        "Second-hand bicycles near you",
        "https://market.example.com/bicycles",
    ),
    ("Example Bank - Transfers", "https://bank.example.com/transfers"),
];

/// Artist, album and titles.
pub(crate) type Album = (&'static str, &'static str, &'static [&'static str]);

pub(crate) const ALBUMS: &[Album] = &[
    (
        "The Larches",
        "Above the Line",
        &["Scree", "First Snow", "Cairn", "Switchback", "Summit Book"],
    ),
    (
        "Mira Voss",
        "Slow Clocks",
        &["Pendulum", "Noon", "Leap Second", "Midnight, Twice"],
    ),
    (
        "Orquesta del Puerto",
        "Marea",
        &["Bajamar", "Faro", "Niebla", "Pleamar"],
    ),
    ("Haru & Kumo", "雨の日", &["雨", "傘", "窓"]),
];
