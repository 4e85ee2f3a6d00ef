"""Records a planned day through the real aw-client, on orders from a test.

    python record_day.py PLAN.json PORT

The plan: {"buckets": [{"client", "id", "type"}], "parts": [[{"bucket", "timestamp", "duration",
"pulsetime", "data"}]]}; "bucket" is a place in the list of buckets. Every bucket has an aw-client of its
own, as every watcher has. Orders come as lines on stdin; each is answered by one line of JSON:

    record N    hands all heartbeats of part N to the clients' queues
    state       tells how many requests wait in the queues, and what the clients threw away
    stop        disconnects the clients, and ends

The clients are used as they are. What waits is counted in their queue files, from which a request goes when
it has been answered; what they throw away they tell nobody but their log.
"""

import json
import logging
import pathlib
import sqlite3
import sys

from aw_client import ActivityWatchClient
from aw_core.dirs import get_data_dir
from aw_core.models import Event


class Complaints(logging.Handler):
    """Keeps what the clients log as an error: a request that they give up on."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += f" ({record.exc_info[1]})"
        self.texts.append(text)


def main() -> None:
    plan_path, port = sys.argv[1:]
    plan = json.loads(pathlib.Path(plan_path).read_text(encoding="utf-8"))
    complaints = Complaints()
    logging.getLogger("aw_client").addHandler(complaints)
    clients = [start_client(bucket, port) for bucket in plan["buckets"]]
    for line in sys.stdin:
        order, *arguments = line.split()
        if order == "record":
            record(plan["parts"][int(arguments[0])], clients, plan["buckets"])
        elif order == "stop":
            for client in clients:
                client.disconnect()
        elif order != "state":
            raise SystemExit(f"unknown order: {line!r}")
        print(json.dumps({"waiting": waiting(), "thrown_away": complaints.texts}), flush=True)
        if order == "stop":
            return


def start_client(bucket: dict, port: str) -> ActivityWatchClient:
    client = ActivityWatchClient(bucket["client"], host="127.0.0.1", port=port)
    client.create_bucket(bucket["id"], bucket["type"], queued=True)
    client.connect()
    return client


def record(part: list[dict], clients: list[ActivityWatchClient], buckets: list[dict]) -> None:
    for beat in part:
        event = Event(timestamp=beat["timestamp"], duration=beat["duration"], data=beat["data"])
        bucket = beat["bucket"]
        clients[bucket].heartbeat(buckets[bucket]["id"], event, beat["pulsetime"], queued=True)


def waiting() -> int:
    """How many requests the clients have not had answered."""
    count = 0
    for path in pathlib.Path(get_data_dir("aw-client")).glob("queued/*/data.db"):
        connection = sqlite3.connect(path)
        (rows,) = connection.execute("SELECT COUNT(*) FROM queue_default").fetchone()
        connection.close()
        count += rows
    return count


if __name__ == "__main__":
    main()
