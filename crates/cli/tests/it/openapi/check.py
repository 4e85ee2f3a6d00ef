"""Compares what a server answers with the description that it gives of itself.

Usage: check.py URL DATABASE. DATABASE is where the server looks for a database of aw-server-rust. Prints how many
operations and requests there were as JSON; ends with an error if an answer is not as described, or if an operation has
no request that succeeds.
"""

import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

SERVER, DATABASE = sys.argv[1:]
TIME = "2024-03-01T10:00:00Z"
PERIOD = ["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"]
BUCKET = {"type": "currentwindow", "client": "c", "hostname": "h"}
EVENT = {"timestamp": TIME, "duration": 1.5, "data": {"app": "a", "title": "t"}}


def fetch(method, target, body=None, headers=()):
    request = urllib.request.Request(SERVER + target, data=body, method=method.upper(), headers=dict(headers))
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read()


class Description:
    """The document, and what was asked so far."""

    def __init__(self):
        status, _, text = fetch("get", "/api/openapi.json")
        assert status == 200, status
        self.document = json.loads(text)
        validate(self.document)
        for name in set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(self.document))):
            self.resolve({"$ref": name})
        self.requests = 0
        self.succeeded = set()

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method, path, operation

    def resolve(self, thing):
        while "$ref" in thing:
            found = self.document
            for key in thing["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            thing = found
        return thing

    def find(self, operation_id):
        for method, path, operation in self.operations():
            if operation["operationId"] == operation_id:
                return method, path, operation
        raise AssertionError(f"there is no operation {operation_id}")

    def ask(self, operation_id, status, body=None, headers=None, only_status=False, **parameters):
        """Sends one request, and checks that the answer has this status and is as described.

        An answer that may have a body or none cannot be described; `only_status` then leaves the body out."""
        method, path, operation = self.find(operation_id)
        target, query = path, []
        for name, value in parameters.items():
            if "{" + name + "}" in target:
                target = target.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
            else:
                query += [(name, one) for one in (value if isinstance(value, list) else [value])]
        if query:
            target += "?" + urllib.parse.urlencode(query)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        got, sent, text = fetch(method, target, body, headers)
        where = f"{method} {target}: {got} {text[:400]}"
        assert got == status, f"{status} expected; {where}"
        assert str(got) in operation["responses"], f"this status is not described; {where}"
        if not only_status:
            self.check(self.resolve(operation["responses"][str(got)]), sent.get("Content-Type"), text, where)
        self.requests += 1
        if 200 <= got < 300:
            self.succeeded.add(operation_id)
        return json.loads(text) if text and sent.get_content_type() == "application/json" else text

    def begin(self, operation_id, **parameters):
        """Sends a request whose answer does not end, and gives back its first lines."""
        method, path, operation = self.find(operation_id)
        with urllib.request.urlopen(SERVER + path + "?" + urllib.parse.urlencode(parameters)) as answer:
            described = operation["responses"][str(answer.status)]["content"]
            assert answer.headers["Content-Type"] in described, answer.headers["Content-Type"]
            lines = [answer.readline().decode().strip() for _ in range(5)]
            event = dict(line.split(": ", 1) for line in lines if line)
            self.check_value(described[answer.headers["Content-Type"]]["schema"], {**event, "retry": int(event["retry"])}, lines)
        self.requests += 1
        self.succeeded.add(operation_id)
        return lines

    def check(self, response, content_type, text, where):
        content = response.get("content", {})
        if not text:
            return
        assert content_type in content, f"{content_type} is not described; {where}"
        if content_type != "application/json":
            return
        self.check_value(content[content_type]["schema"], json.loads(text), where)

    def check_value(self, schema, value, where):
        schema = {"$ref": "#/wanted", "wanted": schema, "components": self.document["components"]}
        errors = list(OAS31Validator(schema, format_checker=oas31_format_checker).iter_errors(value))
        assert not errors, f"{where}\n" + "\n".join(f"{list(e.absolute_path)}: {e.message}" for e in errors[:5])


def buckets_and_events(api):
    api.ask("create_bucket", 200, BUCKET, bucket="b")
    api.ask("create_bucket", 304, BUCKET, bucket="b")
    api.ask("create_bucket", 200, {**BUCKET, "data": {"k": [1]}, "created": "2024-03-01 10:00:00", "events": [EVENT]}, bucket="b/ü")
    api.ask("create_bucket", 400, b"{", {"Content-Type": "application/json"}, bucket="c")
    api.ask("create_bucket", 415, b"{}", {"Content-Type": "text/plain"}, bucket="c")
    api.ask("create_bucket", 422, {}, bucket="c")
    api.ask("update_bucket", 200, {"data": {"x": 1}, "type": None}, bucket="b")
    api.ask("update_bucket", 404, {}, bucket="none")
    api.ask("heartbeat", 200, EVENT, bucket="b", pulsetime=60)
    api.ask("heartbeat", 200, {**EVENT, "timestamp": "2024-03-01T10:00:05"}, bucket="b", pulsetime=60)
    api.ask("heartbeat", 404, EVENT, bucket="none", pulsetime=1)
    api.ask("heartbeat", 422, EVENT, bucket="b", pulsetime="x")
    many = [{**EVENT, "bucket": "b", "pulsetime": 9}, {**EVENT, "bucket": "none", "pulsetime": 9}, {}]
    api.ask("heartbeats", 200, {"batch": "1", "heartbeats": many})
    api.ask("heartbeats", 200, {"batch": "1", "answers": "errors", "heartbeats": many})
    api.ask("heartbeats", 409, {"batch": "1", "heartbeats": many[:1]})
    api.ask("heartbeats", 422, {"heartbeats": 1})
    lines = "\n".join(map(json.dumps, many)).encode()
    api.ask("heartbeats", 200, lines, {"Content-Type": "application/x-ndjson"}, batch="2", answers="none")
    beat = {"entity": "/tmp/main.go", "type": "file", "time": 1709287800.5, "project": None}
    api.ask("wakatime_heartbeats", 202, [beat, {**beat, "entity": ""}])
    api.ask("wakatime_heartbeats", 422, {})
    api.ask("wakatime_heartbeat", 201, beat)
    api.ask("wakatime_heartbeat", 422, {})
    api.ask("wakatime_today", 200, headers={"TimeZone": "Asia/Kathmandu"})
    stored = api.ask("insert_events", 200, [EVENT, {**EVENT, "id": None, "duration": 0}], bucket="b")
    api.ask("insert_events", 200, EVENT, bucket="b")
    api.ask("insert_events", 422, [{}], bucket="b")
    api.ask("insert_events", 404, [EVENT], bucket="none")
    api.ask("list_buckets", 200)
    api.ask("get_bucket", 200, bucket="b/ü")
    api.ask("get_bucket", 200, bucket="b", as_of="2999-01-01T00:00:00Z")
    api.ask("get_bucket", 400, bucket="b", as_of="yesterday")
    api.ask("get_bucket", 404, bucket="none")
    api.ask("list_events", 200, bucket="b", limit=1, start=TIME)
    api.ask("list_events", 200, bucket="b", limit="many")
    api.ask("list_events", 400, bucket="b", start="x")
    api.ask("list_events", 404, bucket="none")
    assert api.ask("count_events", 200, bucket="b", endtime=TIME) == 4
    api.ask("count_events", 404, bucket="none")
    api.ask("get_event", 200, bucket="b", event=stored[0]["id"])
    api.ask("get_event", 404, bucket="b", event=99999)
    api.ask("delete_event", 200, bucket="b", event=stored[0]["id"])
    api.ask("delete_event", 404, bucket="b", event="x")
    api.ask("get_event_history", 200, bucket="b", event=stored[0]["id"], limit=10)
    api.ask("get_event_history", 404, bucket="b", event=99999)
    edits(api)
    renamed(api)


def renamed(api):
    for bucket in ["r", "s"]:
        api.ask("create_bucket", 200, BUCKET, bucket=bucket)
        api.ask("insert_events", 200, EVENT, bucket=bucket)
    api.ask("patch_bucket", 200, {"id": "q", "archived": True}, bucket="r")
    assert api.ask("patch_bucket", 200, {"archived": True}, bucket="q")["from"] is None
    api.ask("patch_bucket", 409, {"id": "s"}, bucket="q")
    api.ask("patch_bucket", 409, {"aliases": ["s"]}, bucket="q")
    api.ask("patch_bucket", 404, {"id": "x"}, bucket="none")
    api.ask("patch_bucket", 422, {}, bucket="q")
    assert api.ask("list_buckets_with_aliases", 200, archived="true")["buckets"][0]["aliases"] == ["r"]
    api.ask("list_buckets_with_aliases", 200, as_of="2999-01-01T00:00:00Z")
    api.ask("list_buckets_with_aliases", 400, archived="x")
    api.ask("merge_buckets", 200, {"into": "s", "preview": True}, bucket="r")
    merged = api.ask("merge_buckets", 200, {"into": "s"}, bucket="r")
    api.ask("merge_buckets", 404, {"into": "none"}, bucket="s")
    api.ask("merge_buckets", 422, {"into": "s"}, bucket="s")
    for records in merged["undo"]:
        api.ask("undo", 200, records)


def edits(api):
    api.ask("create_bucket", 200, BUCKET, bucket="e")
    at = lambda minute: f"2024-03-01T11:{minute:02}:00Z"
    stored = api.ask("insert_events", 200, [{**EVENT, "timestamp": at(m), "duration": 60} for m in range(6)], bucket="e")
    ids = [event["id"] for event in stored]
    page = api.ask("page_events", 200, bucket="e", limit=2, order="asc", fields="id,data.app")
    api.ask("page_events", 200, bucket="e", limit=2, cursor=page["next"])
    api.ask("page_events", 200, None, {"Accept": "text/csv"}, bucket="e")
    api.ask("page_events", 200, None, {"Accept": "application/x-ndjson"}, bucket="e", start=at(0), end=at(9))
    api.ask("page_events", 406, None, {"Accept": "image/png"})
    api.ask("page_events", 400, cursor="x")
    api.ask("page_events", 404, bucket="none")
    api.ask("patch_event", 200, {"timestamp": at(0), "duration": 30, "data": {"app": None, "x": [1]}}, bucket="e", event=ids[0])
    api.ask("patch_event", 422, {"data": 1}, bucket="e", event=ids[0])
    api.ask("patch_event", 404, {}, bucket="e", event=99999)
    api.ask("split_event", 200, {"at": ["2024-03-01T11:01:20Z"]}, bucket="e", event=ids[1])
    api.ask("split_event", 422, {"at": [at(9)]}, bucket="e", event=ids[1])
    api.ask("split_event", 404, {"at": [at(9)]}, bucket="none", event=1)
    api.ask("merge_events", 200, {"events": ids[2:4], "data": {"m": 1}}, bucket="e")
    api.ask("merge_events", 422, {"events": [ids[0], ids[4]]}, bucket="e")
    api.ask("merge_events", 404, {"events": [ids[0], 99999]}, bucket="e")
    preview = api.ask("edit_events", 200, {"bucket": "e", "field": "title", "value": "t", "change": {"data": {"title": "u"}}})
    assert api.ask("edit_events", 200, {"token": preview["token"]})["edited"] == preview["matching"] > 0
    api.ask("edit_events", 409, {"token": preview["token"]})
    api.ask("edit_events", 422, {"change": {"shift": 1}})
    api.ask("edit_events", 404, {"bucket": "none", "change": {"shift": 1}})
    preview = api.ask("delete_events", 200, {"bucket": ["e"], "text": "U"})
    api.ask("delete_events", 200, {"token": preview["token"]})
    api.ask("delete_events", 409, {"token": "x"})
    api.ask("delete_events", 422, {})


def settings(api):
    rule = {"enabled": True, "field": "title", "pattern": "secret", "action": "drop"}
    api.ask("set_setting", 201, {"any": ["json", None]}, key="k")
    api.ask("set_setting", 201, [rule, {"enabled": True}], only_status=True, key="privacy_filters")
    api.ask("set_setting", 400, {}, key="k" * 200)
    api.ask("heartbeat", 200, {**EVENT, "data": {"title": "secret"}}, bucket="b", pulsetime=0)
    api.ask("list_settings", 200)
    api.ask("get_setting", 200, key="k")
    api.ask("get_setting", 200, key="none")
    api.ask("preview_privacy", 200, {})
    api.ask("preview_privacy", 200, {"filters": [{**rule, "pattern": "t", "action": "redact", "replacement": "x"}], "limit": 3})
    api.ask("preview_privacy", 404, {"bucket": "none"})
    api.ask("preview_privacy", 422, {"unknown": 1})
    api.ask("delete_setting", 200, key="privacy_filters")


def categories(api):
    first = api.ask("get_categories", 200)
    rule = {"type": "and", "rules": [{"type": "text", "text": "t"}, {"type": "time", "from": "09:00"}]}
    both = {"categories": first["categories"] + [{"name": ["New"], "rule": rule}]}
    stored = api.ask("set_categories", 200, both, {"If-Match": '"' + first["version"] + '"'})
    api.ask("set_categories", 412, both, {"If-Match": '"' + first["version"] + '"'})
    api.ask("set_categories", 422, {"categories": [{"name": ["A"], "rule": {"type": "regex", "regex": "("}}]})
    api.ask("accept_category_rule", 200, {"category": ["New"], "rule": {"type": "regex", "regex": "^a$"}})
    # What cannot be read is said before what has changed.
    api.ask("accept_category_rule", 422, {"category": ["New"], "rule": []}, {"If-Match": '"x"'})
    api.ask("accept_category_rule", 422, {"category": [], "rule": {}}, {"If-Match": '"x"'})
    api.ask("set_categories", 422, {"categories": [{"rule": None}]}, {"If-Match": '"x"'})
    api.ask("accept_category_rule", 412, {"category": ["New"], "rule": {"type": "none"}}, {"If-Match": '"x"'})
    period = {"start": "2024-03-01T00:00:00Z", "end": "2024-03-02T00:00:00Z"}
    api.ask("preview_categories", 200, {**period, "categories": first["categories"], "samples": 1})
    api.ask("preview_categories", 422, {**period, "categories": [{"name": []}]})
    api.ask("list_uncategorised", 200, limit=3, **period)
    api.ask("list_uncategorised", 200, rules="then", **period)
    api.ask("list_uncategorised", 400, start="x")
    api.ask("get_usage", 200, rules="then", **period)
    api.ask("get_usage", 404, rules=1, **period)
    api.ask("list_activity", 200, rules="then", **period)
    api.ask("list_activity", 404, rules=1, **period)
    api.ask("set_setting", 201, {"no": "list"}, key="classes")
    api.ask("get_categories", 200)
    api.ask("accept_category_rule", 409, {"category": ["New"], "rule": {"type": "none"}})
    api.ask("delete_setting", 200, key="classes")
    versions = api.ask("list_category_versions", 200, limit=2)
    api.ask("list_category_versions", 200, to=versions["next"])
    seq = api.ask("list_category_versions", 200)["versions"][-1]["seq"]
    old = api.ask("get_categories", 200, version=seq)
    assert old["version"] == stored["version"], old
    api.ask("get_categories", 404, version=1)
    api.ask("get_categories", 400, version="x")


def queries_and_files(api):
    query = {"query": ["RETURN = query_bucket('b');"], "timeperiods": PERIOD}
    api.ask("run_query", 200, query, name="n")
    api.ask("run_query", 200, {"query": "RETURN = 1;", "timeperiods": PERIOD, "as_of": 3})
    api.ask("run_query", 400, {**query, "query": "RETURN ="})
    api.ask("run_query", 422, {"query": []})
    api.ask("explain_query", 200, query, name="n")
    api.ask("explain_query", 200, {"query": "RETURN = 1;", "timeperiods": [], "as_of": 3})
    api.ask("explain_query", 400, {**query, "query": "RETURN ="})
    api.ask("explain_query", 413, {**query, "timeperiods": PERIOD * 17})
    api.ask("explain_query", 422, {"query": []})
    doctor = api.ask("get_doctor", 200)
    assert doctor["ok"] and any(check["check"] == "backups" for check in doctor["checks"]), doctor
    exported = api.ask("export_buckets", 200)
    api.ask("export_bucket", 200, bucket="b")
    api.ask("export_bucket", 404, bucket="none")
    outcome = api.ask("import_buckets", 200, exported, by_bucket="true")
    assert outcome["events_added"] == 0, outcome
    form = b'--x\r\nContent-Disposition: form-data; name="buckets.json"\r\n\r\n' + json.dumps(exported).encode() + b"\r\n--x--\r\n"
    api.ask("import_buckets", 200, form, {"Content-Type": "multipart/form-data; boundary=x"})
    api.ask("import_buckets", 400, b"{", {"Content-Type": "application/json"})
    api.ask("import_buckets", 422, {"buckets": 1})
    for name in ["json", "ndjson", "csv", "ical", "parquet", "sqlite"]:
        file = api.ask("export_history", 200, format=name, bucket=["b"])
    api.ask("export_history", 400, format="docx")
    api.ask("export_history", 404, bucket="none")
    api.ask("export_history", 406, headers={"Accept": "image/png"})
    api.ask("export_query", 200, {**query, "format": "csv", "fields": ["title"]})
    api.ask("export_query", 422, {**query, "query": "RETURN = 1;"})
    os.makedirs(os.path.dirname(DATABASE))
    with open(DATABASE, "wb") as database:
        database.write(file)
    found = api.ask("detect_imports", 200)["found"]
    run = api.ask("run_import", 202, {"path": found[0]["path"], "dry_run": True})
    while api.ask("get_import", 200, id=run["id"])["phase"] in ("waiting", "reading"):
        time.sleep(0.05)
    api.ask("cancel_import", 200, id=run["id"])
    api.ask("run_import", 422, {"path": "/nowhere"})
    api.ask("get_import", 404, id="none")
    assert api.ask("get_webui", 200)["serves"] == "timberline"
    api.ask("switch_webui", 200, {"serve": "timberline"})
    api.ask("switch_webui", 422, {"serve": "standard"})
    watchers(api)
    fake = {"days": 2, "seed": 3, "profile": "student", "devices": 2, "start": "2026-03-02", "zone": "Europe/Berlin"}
    run = api.ask("begin_fake", 202, fake)
    while api.ask("get_import", 200, id=run["id"])["phase"] in ("waiting", "reading"):
        time.sleep(0.05)
    api.ask("begin_fake", 409, fake)
    api.ask("begin_fake", 422, {"days": 0})
    assert api.ask("remove_fake", 200)["events"] > 100
    api.ask("remove_fake", 200)


def looking(api):
    api.ask("get_timeline", 200)
    api.ask("get_timeline", 200, bucket=["b*"], devices="h", start=TIME, end="2024-03-02T00:00:00Z", width=2)
    api.ask("get_timeline", 200, as_of=2)
    period = {"start": "2024-03-01T00:00:00Z", "end": "2024-03-02T00:00:00Z"}
    for width in [2, 1000]:
        api.ask("get_timeline", 200, lanes="category", width=width, **period)
    api.ask("get_timeline", 400, width=1)
    api.ask("get_timeline", 400, stopwatch="null")
    api.ask("get_timeline", 400, lanes="category")
    api.ask("get_timeline", 404, bucket="none")
    api.ask("search", 200, q="a")
    cursor = api.ask("search", 200, q='/./ -x title:"t"', bucket=["b*"], start=TIME, end="2024-03-02T00:00:00Z", limit=1, spans=1)["cursor"]
    if cursor:
        api.ask("search", 200, q="/./", cursor=cursor)
    api.ask("search", 200, q="nowhere", as_of=2)
    for wrong in [{}, {"q": ""}, {"q": "/(/"}, {"q": "a", "limit": 0}, {"q": "a", "spans": 101}, {"q": "a", "cursor": "x"}]:
        api.ask("search", 400, **wrong)
    api.ask("search", 404, q="a", bucket="none")


def activity(api):
    """The example of docs/activity.md."""
    def bucket(name, kind, *events):
        of_host = {**BUCKET, "type": kind, "hostname": "example"}
        api.ask("create_bucket", 200, of_host, bucket=name)
        event = lambda start, minutes, data: {"timestamp": f"2026-03-02T{start}:00Z", "duration": minutes * 60, "data": data}
        api.ask("insert_events", 200, [event(*one) for one in events], bucket=name)

    bucket("example-afk", "afkstatus", ("10:00", 30, {"status": "not-afk"}), ("10:30", 30, {"status": "afk"}))
    bucket("example-window", "currentwindow", ("09:50", 30, {"app": "vim"}), ("10:20", 40, {"app": "chrome"}))
    bucket("example-web-chrome", "web.tab.current", ("10:40", 10, {"audible": True, "url": "https://a.example/"}))
    day = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z", "devices": "example"}
    page = api.ask("list_activity", 200, **day, query="true")
    spans = [(span["start"][11:16], span["end"][11:16], span["data"]["app"]) for span in page["spans"]]
    assert spans == [("10:00", "10:20", "vim"), ("10:20", "10:30", "chrome"), ("10:40", "10:50", "chrome")], spans
    first = api.ask("list_activity", 200, **day, limit=2, fields="app")
    rest = api.ask("list_activity", 200, **day, after=first["next"], as_of="2999-01-01T00:00:00Z")
    assert len(first["spans"]) == 2 and len(rest["spans"]) == 1 and "next" not in rest
    # The program that an answer shows gives the same.
    program = {"query": page["query"].split("\n"), "timeperiods": [day["start"] + "/" + day["end"]]}
    assert [event["duration"] for event in api.ask("run_query", 200, program)[0]] == [span["duration"] for span in page["spans"]]
    usage = api.ask("get_usage", 200, **day, by="app", interval="hour", compare="previous", zone="Asia/Kathmandu")
    groups = [(group["value"], group["duration"], group["before"]) for group in usage["groups"]]
    assert usage["duration"] == 2400 and groups == [("chrome", 1200, 0), ("vim", 1200, 0)], usage
    assert sum(interval["duration"] for interval in usage["intervals"]) == 2400
    assert api.ask("get_usage", 200, **day, by="domain")["groups"][0]["value"] == "a.example"
    filtered = api.ask("get_usage", 200, **day, by="app", domain=["a.example", "b.example"], title=[])
    assert [(group["value"], group["duration"]) for group in filtered["groups"]] == [("chrome", 600)], filtered
    assert api.ask("get_usage", 200, **day, by="domain", app="vim")["duration"] == 0
    for wrong in [{"by": "device", "domain": "a.example"}, {"title": "C:\\", "query": "true"}, {"by": "colour"}, {"zone": "Mars/Base"}, {"interval": "minute"}, {"limit": 0}, {"devices": "none"}]:
        api.ask("get_usage", 400, **{**day, **wrong})
    api.ask("list_activity", 400, **{**day, "after": "x"})
    api.ask("list_activity", 400, start=day["start"])
    for name in ["example-afk", "example-window", "example-web-chrome"]:
        api.ask("delete_bucket", 200, bucket=name)


def assistants(api):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Content-Type": "application/json"}
    for operation in ("send_mcp_message", "mcp"):
        api.ask(operation, 200, ping)
        api.ask(operation, 202, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        api.ask(operation, 400, {**ping, "method": "tools/list"}, {**headers, "MCP-Protocol-Version": "1999-01-01"})
        api.ask(operation, 400, b"{", headers)
        api.ask(operation, 415, b"{}", {"Content-Type": "text/plain"})
        api.ask(operation, 422, {"id": 1})
        api.ask(operation, 422, {"jsonrpc": "2.0", "id": True})


def history(api):
    api.ask("delete_bucket", 200, bucket="b/ü")
    api.ask("delete_bucket", 404, bucket="none")
    items = api.ask("list_trash", 200)["items"]
    bucket = next(item for item in items if item["what"] == "bucket")
    api.ask("restore_from_trash", 200, id=bucket["id"])
    api.ask("restore_from_trash", 404, id=bucket["id"])
    api.ask("set_setting", 201, 2, key="k")
    records = api.ask("list_records", 200, limit=1)["records"]
    api.ask("list_records", 200, kind="heartbeat")
    api.ask("list_records", 400, kind="none")
    api.ask("undo", 200, {"seq": records[0]["seq"], "preview": True})
    api.ask("undo", 200, {"seq": records[0]["seq"]})
    api.ask("undo", 422, {})
    api.ask("redact", 422, {})
    for operation, body in [
        ("redact", {"field": "title", "pattern": "t", "replacement": "x"}),
        ("purge", {"bucket": "b", "start": TIME}),
        ("purge", {"bucket": ["b/ü"], "whole_bucket": True}),
    ]:
        preview = api.ask(operation, 200, body)
        receipt = api.ask(operation, 200, {"token": preview["token"]})
        assert receipt["state"] == "completed", receipt
        api.ask(operation, 409, {"token": preview["token"]})
    api.ask("purge", 404, {"bucket": "none", "start": TIME})
    api.ask("purge", 422, {})
    api.ask("delete_named_bucket", 404, id="none")
    api.ask("delete_named_bucket", 422)
    api.ask("delete_named_bucket", 200, id="b")


def live(api):
    for mode in ["heads", "records", "usage"]:
        lines = api.begin("open_stream", mode=mode)
        assert lines[0] == "retry: 2000" and lines[2] == "event: start", lines
    api.ask("open_stream", 400, mode="all")


def webhooks(api):
    hook = {"url": "http://127.0.0.1:9/", "trigger": {"on": "records", "kinds": ["setting-set"]}}
    made = api.ask("create_webhook", 201, hook)
    silence = {"on": "silence", "buckets": ["b"], "seconds": 600}
    api.ask("create_webhook", 201, {**hook, "name": "n", "max_tries": 3, "trigger": silence})
    api.ask("create_webhook", 422, {**hook, "url": "http://192.0.2.1/"})
    api.ask("create_webhook", 400, b"{", {"Content-Type": "application/json"})
    api.ask("list_webhooks", 200)
    tested = api.ask("test_webhook", 200, id=made["id"])
    assert not tested["delivered"], tested
    api.ask("get_webhook", 200, id=made["id"])
    api.ask("list_webhook_deliveries", 200, id=made["id"])
    api.ask("update_webhook", 200, {"paused": True, "new_secret": True}, id=made["id"])
    api.ask("update_webhook", 422, {"unknown": 1}, id=made["id"])
    api.ask("replay_webhook", 200, {"from": 1}, id=made["id"])
    api.ask("replay_webhook", 422, {"from": 0}, id=made["id"])
    api.ask("delete_webhook", 204, id=made["id"])
    for operation in ["get_webhook", "delete_webhook", "test_webhook", "list_webhook_deliveries"]:
        api.ask(operation, 404, id="none")


def the_server(api):
    for operation in ["get_openapi", "get_info", "get_server_log", "get_status", "get_metrics", "health", "ready"]:
        api.ask(operation, 200)
        api.ask(operation, 400, headers={"Host": "rebound.example"})


def watchers(api):
    listed = api.ask("list_watchers", 200)
    assert "window" in [watcher["name"] for watcher in listed["watchers"]], listed
    for pause in [{}, {"seconds": 900}, {"until": "tomorrow", "zone": "Europe/Berlin"}]:
        api.ask("pause_watchers", 200, pause)
        api.ask("pause_watcher", 200, pause, name="window")
        api.ask("pause_watcher", 404, pause, name="none")
    api.ask("pause_watchers", 422, {"seconds": 0})
    api.ask("pause_watcher", 422, {"until": "2001-01-01T00:00:00Z"}, name="window")
    for command in ["resume", "disable", "enable"]:
        api.ask(f"{command}_watchers", 200)
        api.ask(f"{command}_watcher", 200, name="window")
        api.ask(f"{command}_watcher", 404, name="none")


def main():
    api = Description()
    buckets_and_events(api)
    settings(api)
    categories(api)
    queries_and_files(api)
    looking(api)
    activity(api)
    assistants(api)
    history(api)
    live(api)
    webhooks(api)
    the_server(api)
    operations = {operation["operationId"] for _, _, operation in api.operations()}
    assert operations == api.succeeded, f"no request succeeded for {operations - api.succeeded}"
    print(json.dumps({"operations": len(operations), "requests": api.requests}))


main()
