"""Writes databases with the storage back-ends of the real aw-server, and says what is in them.

Called with a directory. Prints {"<file>": {"<bucket>": [[start, duration, data], ...]}} with times in microseconds, as
that server itself reads them.
"""

import json
import os
import sys
from datetime import datetime, timedelta, timezone

directory = sys.argv[1]

from aw_core.models import Event  # noqa: E402
from aw_datastore.storages import PeeweeStorage, SqliteStorage  # noqa: E402

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
TEXTS = ["plain", "", 'quote " and \\', "line\nbreak", "\u05d0 right to left", "\U0001f600", "\ud835", "nul \0"]


def events():
    start = datetime(2024, 3, 1, 10, 0, 0, 123457, tzinfo=timezone(timedelta(hours=2)))
    for at in range(500):
        yield Event(
            timestamp=start + timedelta(seconds=at, microseconds=at * 7),
            duration=timedelta(microseconds=at * 333_333),
            data={"title": TEXTS[at % len(TEXTS)], "app": f"app {at % 5}", "n": at / 8, "list": [None, True, {}]},
        )


def fill(storage):
    for bucket in ["aw-watcher-window_host", "aw-watcher-afk_h\u00f6st"]:
        storage.create_bucket(bucket, "currentwindow", "aw-watcher-window", "host", EPOCH.isoformat(), name=None)
    first, second = list(storage.buckets())
    all_events = list(events())
    storage.insert_many(first, all_events[:400])
    for event in all_events[400:]:
        storage.insert_one(second, event)
    last = all_events[-1]
    last.duration = timedelta(days=3)
    storage.replace_last(second, last)
    found = {}
    for bucket in storage.buckets():
        found[bucket] = [
            [
                (event.timestamp - EPOCH) // MICROSECOND,
                event.duration // MICROSECOND,
                event.data,
            ]
            for event in storage.get_events(bucket, -1)
        ]
    if hasattr(storage, "commit"):
        storage.commit()
    return found


out = {}
for name, make in [("peewee-sqlite.v2.db", PeeweeStorage), ("sqlite.v1.db", SqliteStorage)]:
    out[name] = fill(make(testing=True, filepath=os.path.join(directory, name)))
# Half surrogates cannot be printed as they are.
print(json.dumps(out, ensure_ascii=True))
