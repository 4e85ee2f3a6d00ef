"""Does with the real aw-client what a watcher does, and tries what it does not need.

    python use_client.py PORT BUCKET [TOKEN]

Prints one object: for each call "ok", or the status of its refusal. aw-client 0.5.15 cannot send a key by itself; the one in
development sends it as it is sent here, as `Authorization: Bearer`.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import requests
from aw_client import ActivityWatchClient
from aw_core.models import Event

NOW = datetime(2026, 1, 5, 9, tzinfo=timezone.utc)


def main() -> None:
    port, bucket, *token = sys.argv[1:]
    if token:
        send_always({"Authorization": f"Bearer {token[0]}"})
    client = ActivityWatchClient("aw-watcher-test", host="127.0.0.1", port=port)

    def beat(second: int, queued: bool = False):
        event = Event(timestamp=NOW + timedelta(seconds=second), duration=0, data={"app": "a"})
        return client.heartbeat(bucket, event, pulsetime=60, queued=queued, commit_interval=0)

    def queued():
        with client:
            for second in range(10, 20):
                beat(second, queued=True)
            while client.request_queue._persistqueue.qsize():
                pass

    outcome = {
        "info": attempt(client.get_info),
        "create": attempt(lambda: client.create_bucket(bucket, "currentwindow")),
        "create again": attempt(lambda: client.create_bucket(bucket, "currentwindow")),
        "heartbeat": attempt(lambda: [beat(second) for second in range(5)]),
        "queued": attempt(queued),
        "insert": attempt(lambda: client.insert_event(bucket, Event(timestamp=NOW, duration=1, data={"app": "b"}))),
        "buckets": attempt(lambda: list(client.get_buckets())),
        "read": attempt(lambda: client.get_events(bucket)),
        "query": attempt(lambda: client.query("RETURN = 1;", [(NOW, NOW + timedelta(days=1))])),
        "delete": attempt(lambda: client.delete_bucket(bucket, force=True)),
    }
    print(json.dumps(outcome))


def send_always(headers: dict) -> None:
    plain = requests.Session.request

    def request(self, method, url, **arguments):
        arguments["headers"] = {**(arguments.get("headers") or {}), **headers}
        return plain(self, method, url, **arguments)

    requests.Session.request = request


def attempt(call):
    try:
        call()
    except requests.HTTPError as error:
        return error.response.status_code
    return "ok"


if __name__ == "__main__":
    main()
