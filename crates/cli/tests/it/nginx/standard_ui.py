"""Sends what the standard web UI sends, through a reverse proxy with TLS under a prefix.

    python standard_ui.py BASE CERTIFICATE

BASE is such as https://aw.example:8443/aw; the name stands for this machine. Every request is as the UI sends it (shared/standard-webui.md, section 2), with the
origin of its page. Prints nothing if all is as it should be, and else what is not.
"""

import json
import re
import socket
import ssl
import sys
import urllib.error
import urllib.request

BASE, CERTIFICATE = sys.argv[1:]
ORIGIN = re.match(r"https://[^/]+", BASE).group()
CONTEXT = ssl.create_default_context(cafile=CERTIFICATE)
WRONG = []


def connect(address, *arguments, **named):
    return socket.original(("127.0.0.1", address[1]), *arguments, **named)


socket.original, socket.create_connection = socket.create_connection, connect


class KeepRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.HTTPSHandler(context=CONTEXT), KeepRedirects)
OPENER.addheaders = []


def ask(method, path, body=None, content_type="application/json", expect=(200,), origin=ORIGIN):
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method)
    request.add_header("Accept", "application/json, text/plain, */*")
    if data is not None:
        request.add_header("Content-Type", content_type)
    # Modules and style sheets are fetched with an origin too.
    if origin:
        request.add_header("Origin", origin)
    request.add_header("Sec-Fetch-Site", "same-origin" if origin == ORIGIN else "cross-site")
    try:
        answer = OPENER.open(request)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read()
    if answer.status not in expect:
        WRONG.append(f"{method} {path}: {answer.status} {text[:300]!r}")
    return answer, text


def check(what, holds):
    if not holds:
        WRONG.append(what)


def main():
    event = {"timestamp": "2026-01-05T09:00:00.000Z", "duration": 60, "data": {"app": "a", "title": "t"}}
    _, info = ask("GET", "/api/0/info")
    check("version is a string", isinstance(json.loads(info)["version"], str))
    ask("GET", "/api/0/buckets/")
    new = {"client": "aw-webui", "type": "general.stopwatch", "hostname": "unknown"}
    ask("POST", "/api/0/buckets/aw-stopwatch", new)
    ask("POST", "/api/0/buckets/aw-stopwatch", new, expect=(304,))
    beat = {"timestamp": "2026-01-05T09:00:00.000Z", "data": {"running": True, "label": "l"}}
    _, beaten = ask("POST", "/api/0/buckets/aw-stopwatch/heartbeat?pulsetime=1", beat)
    identity = json.loads(beaten)["id"]
    ask("GET", "/api/0/buckets/aw-stopwatch/events?limit=100")
    ask("GET", "/api/0/buckets/aw-stopwatch/events?limit=-1")
    ask("GET", "/api/0/buckets/aw-stopwatch/events/count")
    ask("GET", f"/api/0/buckets/aw-stopwatch/events/{identity}")
    period = "start=2026-01-05T04:00:00%2B08:00&end=2026-01-06T04:00:00%2B08:00&limit=-1"
    _, events = ask("GET", f"/api/0/buckets/aw-stopwatch/events?{period}")
    check("the stopwatch has an event", len(json.loads(events)) == 1)
    ask("POST", "/api/0/buckets/aw-stopwatch/events", [{**event, "id": identity}])
    ask("GET", "/api/0/buckets/aw-stopwatch/export")
    _, export = ask("GET", "/api/0/export")
    form = b"--x\r\nContent-Disposition: form-data; name=\"buckets.json\"; filename=\"e.json\"\r\n"
    form += b"Content-Type: application/json\r\n\r\n" + export + b"\r\n--x--\r\n"
    ask("POST", "/api/0/import", form, "multipart/form-data; boundary=x")
    periods = ["2026-01-05T04:00:00+08:00/2026-01-06T04:00:00+08:00"]
    query = {"query": ['RETURN = flood(query_bucket("aw-stopwatch"));'], "timeperiods": periods}
    _, result = ask("POST", "/api/0/query/", query)
    check("the query has a result", len(json.loads(result)[0]) == 1)
    _, refused = ask("POST", "/api/0/query/", {"query": ["RETURN = f;"], "timeperiods": periods}, expect=(400, 500))
    check("a query error has a message", "message" in json.loads(refused))
    ask("GET", "/api/0/settings")
    for value in ("04:00", [], "", 0, False, {"a": 1}):
        ask("POST", "/api/0/settings/startOfDay", value, expect=(200, 201))
    ask("GET", "/api/0/settings/aw-notify", expect=(200, 404))
    ask("DELETE", f"/api/0/buckets/aw-stopwatch/events/{identity}")
    ask("DELETE", "/api/0/buckets/aw-stopwatch?force=1")

    # An event passes the proxy at once: the next one is only caused when it is there.
    with OPENER.open(BASE + "/api/1/stream?mode=records&kind=setting-set", timeout=60) as stream:
        lines = (line.decode().strip() for line in stream)
        check("the stream begins", any(line == "event: start" for line in lines))
        for value in (1, 2):
            ask("POST", "/api/0/settings/live", value, expect=(200, 201))
            check("a record passes", any(line == "event: record" for line in lines))

    _, page = ask("GET", "/")
    _, page_with_token = ask("GET", "/?token=x")
    check(f"the page: {page!r}", b'src="/aw/js/app.js"' in page and page == page_with_token)
    check(f"the script comes first: {page!r}", page.index(b"timberline-base.js") < page.index(b"app.js"))
    for path in re.findall(rb'(?:src|href)="/aw(/[^"]*)"', page):
        ask("GET", path.decode())
    _, sheet = ask("GET", "/dark.css")
    check(f"the style sheet: {sheet!r}", b"url(/aw/logo.png)" in sheet)
    answer, _ = ask("GET", "/pages/watcher?hostname=h", expect=(308,))
    check(f"the redirect: {answer.headers['location']}", answer.headers["location"].endswith("/aw/pages/watcher/?hostname=h"))
    ask("GET", "/pages/watcher/?hostname=h&start=2026-01-05&end=2026-01-06&title=t")
    answer, _ = ask("GET", "", expect=(301, 308))
    check(f"the redirect: {answer.headers['location']}", answer.headers["location"].endswith("/aw/"))
    ask("GET", "/health")

    # The proxy opens nothing to other pages.
    ask("GET", "/api/0/export", expect=(403,), origin="https://evil.example")
    ask("POST", "/api/0/buckets/x", new, expect=(403,), origin="null")
    ask("POST", "/api/0/buckets/x", new, expect=(403,), origin=ORIGIN.replace("https:", "http:"))


main()
print("\n".join(WRONG))
sys.exit(bool(WRONG))
