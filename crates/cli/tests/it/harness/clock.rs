//! A wall clock that a test sets, for a server that runs or is to start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
/// By which clocks jump: ±1 h, ±8 days, ±10 years, +74 years.
pub(crate) const JUMPS: [i64; 7] = [3_600, -3_600, 8 * DAY, -8 * DAY, 10 * YEAR, -10 * YEAR, 74 * YEAR];

/// The clock of the programs that were started with [`SetClock::apply`].
pub(crate) struct SetClock {
    library: PathBuf,
    shift: PathBuf,
}

impl SetClock {
    /// One that is right. Its files are in `dir`.
    ///
    /// # Panics
    ///
    /// When there is no C compiler.
    pub(crate) fn new(dir: &Path) -> SetClock {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/harness/clock.c");
        let library = dir.join("clock.so");
        let built = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .status()
            .expect("the C compiler `cc`");
        assert!(built.success(), "{} does not compile", source.display());
        let clock = SetClock {
            library,
            shift: dir.join("clock.shift"),
        };
        clock.shift_by(0);
        clock
    }

    /// Has a program see this clock.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        command.env("CLOCK_SHIFT", &self.shift);
    }

    /// Sets it ahead, or back, of the right time.
    pub(crate) fn shift_by(&self, seconds: i64) {
        // In one step, or a server could read a file that is empty for a moment.
        let next = self.shift.with_extension("next");
        fs::write(&next, seconds.to_string()).expect("the shift to be written");
        fs::rename(&next, &self.shift).expect("the shift to be put in place");
    }

    /// Sets it to a time, in seconds since 1970.
    pub(crate) fn set(&self, seconds: i64) {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the machine's clock to be right");
        let now = i64::try_from(since.as_secs()).expect("the machine's clock to be right");
        self.shift_by(seconds - now);
    }
}
