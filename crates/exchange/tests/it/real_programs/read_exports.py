"""Reads exports with DuckDB and icalendar, and prints what they find: {"<file>": [events, total nanoseconds, ...]}."""

import datetime
import glob
import json
import os
import sys

import duckdb
import icalendar

directory = sys.argv[1]
out = {}

for name, source in [
    ("x.parquet", os.path.join(directory, "x.parquet")),
    ("folders", os.path.join(directory, "folders", "**", "*.parquet")),
]:
    options = ", hive_partitioning = true" if name == "folders" else ""
    table = f"read_parquet('{source}'{options})"
    # An exact sum: HUGEINT.
    count, total, first = duckdb.sql(
        f"SELECT count(*), sum(duration_ns::HUGEINT)::VARCHAR, min(epoch_ns(timestamp))::VARCHAR FROM {table}"
    ).fetchall()[0]
    buckets = duckdb.sql(f"SELECT bucket, count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall()
    titles = duckdb.sql(f"SELECT title FROM {table} WHERE title IS NOT NULL ORDER BY id").fetchall()
    types = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {table}").fetchall()}
    out[name] = {
        "count": count,
        "total": total,
        "first": first,
        "buckets": buckets,
        "titles": [row[0] for row in titles],
        "types": types,
    }

meta = duckdb.sql(
    f"SELECT path_in_schema, encodings, compression FROM parquet_metadata('{directory}/x.parquet')"
).fetchall()
out["encodings"] = {row[0]: [row[1], row[2]] for row in meta}

with open(os.path.join(directory, "x.ics"), "rb") as file:
    calendar = icalendar.Calendar.from_ical(file.read())
found = []
for event in calendar.walk("VEVENT"):
    start = event["DTSTART"].dt
    assert start.tzinfo is not None, "times are in UTC"
    end = event["DTEND"].dt if "DTEND" in event else start
    exact = int(event["X-TIMBERLINE-DURATION"])
    # Whole seconds contain the exact time.
    span = (end - start) / datetime.timedelta(microseconds=1) * 1000
    assert exact <= 0 or exact <= span < exact + 2_000_000_000, (exact, span)
    found.append((str(event["UID"]), str(event["SUMMARY"]), exact))
assert len({uid for uid, _, _ in found}) == len(found)
out["x.ics"] = {
    "count": len(found),
    "total": str(sum(exact for _, _, exact in found)),
    "summaries": [summary for _, summary, _ in found],
}
assert glob.glob(os.path.join(directory, "folders", "bucket=*", "month=*", "*.parquet"))
print(json.dumps(out, default=str))
