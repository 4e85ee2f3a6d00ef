//! The filters of the stored setting, compiled once for every change of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use timberline_views::Snapshot;

use super::SETTING;
use super::filters::Filters;
use super::key::HashKey;

/// The filters that are in force, as any snapshot has them.
#[derive(Debug)]
pub(crate) struct Privacy {
    data_dir: PathBuf,
    current: ArcSwap<Compiled>,
    /// Held while compiling: of many requests after a change one does it.
    compiling: Mutex<()>,
}

/// Filters and what they were made of. The settings are kept so that no others can come to lie where they lie: then
/// the same address means the same settings.
#[derive(Debug)]
struct Compiled {
    settings: Arc<BTreeMap<String, String>>,
    filters: Arc<Filters>,
}

impl Privacy {
    /// The filters of this snapshot; the key of hashes is kept in `data_dir`.
    pub(crate) fn new(data_dir: PathBuf, snapshot: &Snapshot) -> Self {
        let privacy = Self {
            data_dir,
            current: ArcSwap::from_pointee(Compiled {
                settings: Arc::default(),
                filters: Arc::default(),
            }),
            compiling: Mutex::new(()),
        };
        // A wrong rule is reported when the server starts, not with the first heartbeat.
        privacy.filters(snapshot);
        privacy
    }

    /// The filters of this snapshot: nearly always those of the last one, which costs comparing two addresses.
    pub(crate) fn filters(&self, snapshot: &Snapshot) -> Arc<Filters> {
        self.fitting(snapshot).unwrap_or_else(|| self.renew(snapshot))
    }

    /// Reads a list of rules that is not to be followed. Nothing is changed: if there is no key, it hashes with one
    /// that is forgotten.
    pub(crate) fn draft(&self, json: &str) -> Filters {
        Self::draft_in(&self.data_dir, json)
    }

    /// The same for a data directory without a server.
    pub(crate) fn draft_in(data_dir: &Path, json: &str) -> Filters {
        Filters::parse(json, || match HashKey::kept(data_dir)? {
            Some(key) => Ok(key),
            None => HashKey::random(),
        })
    }

    fn fitting(&self, snapshot: &Snapshot) -> Option<Arc<Filters>> {
        let current = self.current.load();
        let same = Arc::ptr_eq(&current.settings, snapshot.shared_settings());
        same.then(|| Arc::clone(&current.filters))
    }

    #[cold]
    fn renew(&self, snapshot: &Snapshot) -> Arc<Filters> {
        let _compiling = self.compiling.lock();
        if let Some(filters) = self.fitting(snapshot) {
            return filters;
        }
        let settings = Arc::clone(snapshot.shared_settings());
        let current = self.current.load();
        let rules = settings.get(SETTING);
        // Mostly another setting was changed.
        let filters = if rules == current.settings.get(SETTING) {
            Arc::clone(&current.filters)
        } else {
            Arc::new(self.compile(rules.map_or("[]", String::as_str)))
        };
        self.current.store(Arc::new(Compiled {
            settings,
            filters: Arc::clone(&filters),
        }));
        filters
    }

    fn compile(&self, json: &str) -> Filters {
        let filters = Filters::parse(json, || HashKey::kept_or_made(&self.data_dir));
        for problem in filters.problems() {
            match problem.index {
                Some(rule) => {
                    tracing::warn!(rule, reason = %problem.reason, "a rule of the setting {SETTING} has a mistake")
                }
                None => tracing::warn!(reason = %problem.reason, "the setting {SETTING} is not followed"),
            }
        }
        tracing::info!(rules = filters.rules().len(), "privacy filters changed");
        filters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::privacy::Verdict;
    use timberline_views::{Store, StoreOptions};

    fn drop_rule(pattern: &str) -> String {
        serde_json::json!([{"enabled": true, "field": "a", "pattern": pattern, "action": "drop"}]).to_string()
    }

    #[test]
    fn filters_are_those_of_the_snapshot_and_compiled_once_for_each_change() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let privacy = Privacy::new(dir.path().to_owned(), &store.snapshot());
        let none = privacy.filters(&store.snapshot());
        assert!(!none.concern("b"));

        store.set_setting(SETTING, &drop_rule("x")).unwrap();
        let filters = privacy.filters(&store.snapshot());
        assert_eq!(filters.judge("b", r#"{"a":"x"}"#), Verdict::Drop);
        assert!(Arc::ptr_eq(&filters, &privacy.filters(&store.snapshot())));
        store.set_setting("theme", "1").unwrap();
        assert!(Arc::ptr_eq(&filters, &privacy.filters(&store.snapshot())));

        store.set_setting(SETTING, &drop_rule("y")).unwrap();
        let filters = privacy.filters(&store.snapshot());
        assert_eq!(filters.judge("b", r#"{"a":"x"}"#), Verdict::Keep);
        assert_eq!(filters.judge("b", r#"{"a":"y"}"#), Verdict::Drop);

        store.delete_setting(SETTING).unwrap();
        assert!(!privacy.filters(&store.snapshot()).concern("b"));
        store.close().unwrap();
    }

    #[test]
    fn only_rules_in_force_make_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let privacy = Privacy::new(dir.path().to_owned(), &store.snapshot());
        let key = dir.path().join(timberline_disk::DataDir::PRIVACY_KEY);
        let rule = r#"[{"enabled":true,"field":"a","pattern":"","action":"hash"}]"#;

        let Verdict::Change(drafted) = privacy.draft(rule).judge("b", r#"{"a":"x"}"#) else {
            panic!("a value is hashed");
        };
        assert!(!key.exists());
        store.set_setting(SETTING, rule).unwrap();
        let Verdict::Change(stored) = privacy.filters(&store.snapshot()).judge("b", r#"{"a":"x"}"#) else {
            panic!("a value is hashed");
        };
        assert!(key.exists());
        assert_ne!(drafted, stored);
        assert_eq!(
            privacy.draft(rule).judge("b", r#"{"a":"x"}"#),
            Verdict::Change(stored)
        );
        store.close().unwrap();
    }

    #[test]
    fn without_a_key_that_can_be_read_values_are_lost_rather_than_stored() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(timberline_disk::DataDir::PRIVACY_KEY), "broken").unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let rule = r#"[{"enabled":true,"field":"a","pattern":"","action":"hash"}]"#;
        store.set_setting(SETTING, rule).unwrap();
        let filters = Privacy::new(dir.path().to_owned(), &store.snapshot()).filters(&store.snapshot());
        let expected = Verdict::Change(r#"{"a":"hash:unavailable"}"#.to_owned());
        assert_eq!(filters.judge("b", r#"{"a":"x"}"#), expected);
        assert!(
            filters.problems()[0].reason.contains("privacy.key"),
            "{:?}",
            filters.problems()
        );
        store.close().unwrap();
    }
}
