"""Reads what `timberline export` wrote, and prints {"<file>": [events, total nanoseconds]}."""

import csv
import decimal
import json
import os
import sqlite3
import sys

import duckdb
import icalendar

directory = sys.argv[1]
at = lambda name: os.path.join(directory, name)
out = {}


def nanoseconds(durations):
    return str(sum(int(decimal.Decimal(str(duration)) * 10**9) for duration in durations))


with open(at("x.json")) as file:
    buckets = json.load(file, parse_float=decimal.Decimal)["buckets"]
events = [event for bucket in buckets.values() for event in bucket["events"]]
out["x.json"] = [len(events), nanoseconds(event["duration"] for event in events)]

with open(at("x.ndjson")) as file:
    events = [json.loads(line, parse_float=decimal.Decimal) for line in file]
out["x.ndjson"] = [len(events), nanoseconds(event["duration"] for event in events)]

with open(at("x.csv"), newline="") as file:
    rows = list(csv.DictReader(file))
out["x.csv"] = [len(rows), nanoseconds(row["duration"] for row in rows)]

count, total = sqlite3.connect(at("x.db")).execute("SELECT count(*), sum(endtime - starttime) FROM events").fetchone()
out["x.db"] = [count, str(total)]

with open(at("x.ics"), "rb") as file:
    calendar = icalendar.Calendar.from_ical(file.read())
found = [int(event["X-TIMBERLINE-DURATION"]) for event in calendar.walk("VEVENT")]
out["x.ics"] = [len(found), str(sum(found))]

for name, pattern in [("x.parquet", "x.parquet"), ("folders", "folders/**/*.parquet")]:
    sql = f"SELECT count(*), sum(duration_ns::HUGEINT)::VARCHAR FROM read_parquet('{at(pattern)}')"
    out[name] = list(duckdb.sql(sql).fetchall()[0])

print(json.dumps(out))
