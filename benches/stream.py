#!/usr/bin/env python3
"""The live stream under load: is each record delivered once over many reconnections, and what do stalled readers cost?

    benches/stream.py target/release/timberline [--rate 10000] [--seconds 20] [--reconnects 50] [--stalled 200]

Starts the server in a directory of its own. One process sends heartbeats at the rate, another one follows `mode=records`
and reconnects with `Last-Event-ID`. Then many readers open a stream of everything and take nothing, while heartbeats
go on. Needs nothing but Python.
"""
import argparse
import multiprocessing
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

BODY = b'{"timestamp":"2024-03-01T10:00:00Z","duration":1,"data":{"app":"Firefox","title":"News"}}'
BEAT = (
    b"POST /api/0/buckets/b/heartbeat?pulsetime=60 HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY) + BODY
)
# So many requests are sent before their answers are read.
AT_ONCE = 100


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def beat(port, rate, seconds, counts):
    """Sends heartbeats at a rate. Counts those that were acknowledged, and how long the slowest hundred took."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answers = connection.makefile("rb")
    begin = time.monotonic()
    sent, slowest = 0, 0.0
    while sent < rate * seconds:
        time.sleep(max(0.0, begin + sent / rate - time.monotonic()))
        before = time.monotonic()
        connection.sendall(BEAT * AT_ONCE)
        for _ in range(AT_ONCE):
            assert answers.readline().split()[1] == b"200"
            length = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)
        slowest = max(slowest, time.monotonic() - before)
        sent += AT_ONCE
    counts.put((sent, time.monotonic() - begin, slowest))


def open_stream(port, last):
    stream = socket.create_connection(("127.0.0.1", port))
    head = f"GET /api/1/stream?mode=records HTTP/1.0\r\nhost: localhost\r\nlast-event-id: {last}\r\n\r\n"
    stream.sendall(head.encode())
    return stream


def follow(port, reconnects, pause, last_of_all):
    """Follows all records, with that many reconnections. Gives back the ids of all records."""
    seen, last = [], 0
    for turn in range(reconnects + 1):
        end = time.monotonic() + pause * random.random() * 2 if turn < reconnects else None
        stream = open_stream(port, last)
        lines = stream.makefile("rb")
        name, identity = b"", last
        for line in lines:
            if line.startswith(b"event: "):
                name = line[7:].strip()
                assert name in (b"start", b"record"), name
            elif line.startswith(b"id: "):
                identity = int(line[4:])
            elif line == b"\n":
                # Only what has arrived as a whole counts.
                last = identity
                if name == b"record":
                    seen.append(identity)
                name = b""
                if end and time.monotonic() > end or not end and last == last_of_all():
                    break
        stream.close()
    return seen


def memory_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024


def newest(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("timberline_log_seq "))


def reconnecting(port, options):
    counts = multiprocessing.Queue()
    writer = multiprocessing.Process(target=beat, args=(port, options.rate, options.seconds, counts))
    writer.start()
    checked = [0.0, None]

    def last_of_all():
        if writer.is_alive():
            return None
        if checked[1] is None:
            checked[1] = newest(port)
        return checked[1]

    seen = follow(port, options.reconnects, options.seconds / (options.reconnects + 1), last_of_all)
    sent, took, slowest = counts.get()
    writer.join()
    exact = seen == list(range(1, newest(port) + 1))
    print(f"{sent} heartbeats in {took:.1f} s ({sent / took:.0f}/s), slowest {AT_ONCE}: {slowest * 1000:.0f} ms")
    print(f"{options.reconnects} reconnections: {len(seen)} records, each {'once' if exact else 'NOT ONCE'}")
    return exact


def stalling(port, pid, options):
    before = memory_mib(pid)
    stalled = []
    for _ in range(options.stalled):
        stream = open_stream(port, 0)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.append(stream)
    counts = multiprocessing.Queue()
    beat(port, options.rate, options.seconds / 2, counts)
    sent, took, slowest = counts.get()
    print(f"{options.stalled} stalled readers: {memory_mib(pid) - before:.1f} MiB more")
    print(f"{sent} heartbeats in {took:.1f} s ({sent / took:.0f}/s), slowest {AT_ONCE}: {slowest * 1000:.0f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--reconnects", type=int, default=50)
    parser.add_argument("--stalled", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        arguments = [options.server, "serve", "--testing", "--port", str(port), "--dbpath", f"{home}/data"]
        server = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env={"HOME": home})
        try:
            while True:
                try:
                    post(port, "/api/0/buckets/b", b'{"client":"c","type":"t","hostname":"h"}')
                    break
                except OSError:
                    time.sleep(0.05)
            exact = reconnecting(port, options)
            stalling(port, server.pid, options)
        finally:
            server.terminate()
            server.wait()
    sys.exit(not exact)


main()
