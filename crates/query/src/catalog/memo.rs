//! Answers about objects and values, kept across requests.
//!
//! A transform keeps its answers in a type of its own, usually a newtype of a [`Memo`]. The catalog holds one value of
//! each such type ([`Memos::of`]) without knowing any of them.

use std::any::{Any, TypeId};
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// One value of each type that was ever asked for.
#[derive(Debug, Default)]
pub(crate) struct Memos(Mutex<FxHashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Memos {
    /// The value of a type; the first time a new one. Ask once for each call of a transform, not for each event.
    pub(crate) fn of<M: Default + Send + Sync + 'static>(&self) -> Arc<M> {
        let mut memos = self.0.lock();
        let memo = memos
            .entry(TypeId::of::<M>())
            .or_insert_with(|| Arc::new(M::default()));
        let memo = Arc::clone(memo).downcast::<M>();
        debug_assert!(memo.is_ok(), "a memo is filed under its own type");
        // An empty memo is never wrong, only slow.
        memo.unwrap_or_default()
    }
}

/// Keys of one memo that are kept; beyond that, those that were not used for longest are dropped.
const MAX_KEYS: usize = 64;

/// Prepared answers by what they are about: a key, a pattern, a set of rules.
#[derive(Debug)]
pub(crate) struct Memo<K: Hash + Eq, V>(Mutex<LruCache<K, Arc<V>, FxBuildHasher>>);

impl<K: Hash + Eq, V> Default for Memo<K, V> {
    fn default() -> Memo<K, V> {
        let most = NonZeroUsize::new(MAX_KEYS).unwrap_or(NonZeroUsize::MIN);
        Memo(Mutex::new(LruCache::with_hasher(most, FxBuildHasher)))
    }
}

impl<K: Hash + Eq, V> Memo<K, V> {
    /// The value of a key, made by `new` if it is not there. Others wait meanwhile, so `new` must be quick.
    pub(crate) fn get_or_insert(&self, key: K, new: impl FnOnce() -> V) -> Arc<V> {
        let values = &mut self.0.lock();
        Arc::clone(values.get_or_insert(key, || Arc::new(new())))
    }

    /// The same for values that take long to make: nobody waits meanwhile, and if two threads make the same value, one
    /// of the two is kept.
    ///
    /// # Errors
    /// Those of `new`.
    pub(crate) fn get_or_try_insert<E>(
        &self,
        key: K,
        new: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        if let Some(value) = self.0.lock().get(&key) {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(new()?);
        self.0.lock().put(key, Arc::clone(&value));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lengths(Memo<&'static str, usize>);

    #[derive(Default)]
    struct Others(Memo<&'static str, usize>);

    #[test]
    fn each_type_has_a_memo_of_its_own() {
        let memos = Memos::default();
        let length = memos.of::<Lengths>().0.get_or_insert("abc", || 3);
        assert_eq!(*length, 3);
        assert_eq!(*memos.of::<Lengths>().0.get_or_insert("abc", || 4), 3);
        assert_eq!(*memos.of::<Others>().0.get_or_insert("abc", || 4), 4);
    }

    #[test]
    fn an_error_is_not_kept_and_the_number_of_keys_is_bounded() {
        let memo = Memo::<usize, usize>::default();
        assert_eq!(memo.get_or_try_insert(1, || Err(())), Err(()));
        for key in 0..=MAX_KEYS {
            assert_eq!(
                memo.get_or_try_insert(key, || Ok::<_, ()>(key)),
                Ok(Arc::new(key))
            );
        }
        assert_eq!(memo.0.lock().len(), MAX_KEYS);
    }
}
