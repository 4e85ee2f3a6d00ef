"""Answers queries with aw-core, on orders from a test.

    python answer_queries.py DATABASE

Orders come as lines of JSON on stdin:

    {"buckets": [{"id", "events": [{"id", "start", "duration", "data"}]}],
     "start", "end", "query"}

All times are whole microseconds, starts and periods since 1970. The buckets are there for this one order,
in the storage that aw-server uses (peewee, here in DATABASE). The answer is one line:

    {"result": ...}                   events with times in microseconds, lengths of time in seconds
    {"error": TYPE, "message": TEXT}  what was raised
"""

import json
import logging
import sys
from datetime import datetime, timedelta, timezone

from aw_core.models import Event
from aw_datastore import Datastore
from aw_datastore.storages import PeeweeStorage
from aw_datastore.storages.peewee import EventModel
from aw_query import query2

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def plain(value):
    """What JSON can say of a result."""
    if isinstance(value, Event):
        return {
            "id": value.id,
            "start": microseconds(value.timestamp - EPOCH),
            "duration": microseconds(value.duration),
            "data": plain(value.data),
        }
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value


def fill(datastore: Datastore, buckets: list) -> None:
    """Makes these buckets all that there are. One that was there before stays, for speed, but its events go."""
    storage = datastore.storage_strategy
    there = set(storage.bucket_keys)
    for gone in there - {bucket["id"] for bucket in buckets}:
        datastore.delete_bucket(gone)
    for bucket in buckets:
        if bucket["id"] not in there:
            datastore.create_bucket(bucket["id"], "test", "test", "host")
    EventModel.delete().execute()
    rows = [
        {
            "id": event["id"],
            "bucket": storage.bucket_keys[bucket["id"]],
            "timestamp": instant(event["start"]),
            "duration": event["duration"] / 1_000_000,
            "datastr": json.dumps(event["data"]),
        }
        for bucket in buckets
        for event in bucket["events"]
    ]
    for place in range(0, len(rows), 100):  # as aw-core does, for the limits of SQLite
        EventModel.insert_many(rows[place : place + 100]).execute()


def answer(datastore: Datastore, order: dict) -> dict:
    try:
        start, end = instant(order["start"]), instant(order["end"])
        return {"result": plain(query2.query("", order["query"], start, end, datastore))}
    except Exception as error:  # whatever it is, the test wants to know
        return {"error": type(error).__name__, "message": str(error)}


def main() -> None:
    logging.disable(logging.CRITICAL)
    datastore = Datastore(PeeweeStorage, filepath=sys.argv[1])
    database = datastore.storage_strategy.db
    database.execute_sql("PRAGMA synchronous = OFF")
    for line in sys.stdin:
        order = json.loads(line)
        with database.atomic():
            fill(datastore, order["buckets"])
            result = answer(datastore, order)
        print(json.dumps(result), flush=True)


main()
