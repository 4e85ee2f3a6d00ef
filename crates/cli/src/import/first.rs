//! The first start of a server: imports or announces the data of ActivityWatch that are on this machine.

use timberline_server::Start;
use timberline_server::merge::{OwnStore, SettingsRule};
use timberline_views::Store;

use super::{bar::Bar, detect, local};
use timberline_exchange::import::{Found, Options, Source};

/// Does nothing unless the store is empty. With `at_once`, imports the newest database that is found and logs the result.
/// Otherwise logs one line that names the database and the command that imports it.
pub(crate) fn import_or_announce(start: &Start, store: Store, at_once: bool) -> Store {
    if store.snapshot().bucket_count() > 0 {
        return store;
    }
    let found = detect::databases(start.settings().testing);
    let Some(first) = found.first() else {
        return store;
    };
    let (what, command) = (detect::describe(first), detect::command(first));
    if at_once {
        return import(start, store, first, &what, &command);
    }
    tracing::info!("history of ActivityWatch was found: {what}. To import it: {command}");
    store
}

/// If the import fails, the server starts all the same: the import can be repeated.
fn import(start: &Start, store: Store, found: &Found, what: &str, command: &str) -> Store {
    tracing::info!("importing {what}");
    let own = OwnStore::before_serving(start, store);
    let imported = Source::open(&found.path, &Options::default())
        .map_err(anyhow::Error::from)
        .and_then(|mut source| {
            local::into_store(&mut source, &own, SettingsRule::Keep, &Bar::new(&found.path))
        });
    match imported {
        Ok(tally) => tracing::info!(events = tally.stored(), "imported {what}"),
        Err(error) => tracing::error!(
            "{what} was not imported completely: {}. To import the rest, run: {command}",
            crate::verdict::describe(&error)
        ),
    }
    own.into_store()
}
