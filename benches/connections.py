#!/usr/bin/env python3
"""A new client beside very many connections that are idle, or slow with a head, a body or an answer.

    benches/connections.py target/release/timberline [--count 10000] [--places 512]

Starts the server in a directory of its own and prints for each kind of connection how long new clients wait, how many
of the connections are still open, and the server's memory. Needs nothing but Python; the limit of open files is raised
as far as the system allows.
"""
import argparse
import http.client
import os
import resource
import select
import socket
import subprocess
import tempfile
import time

HEAD = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
HEARTBEAT = b'{"timestamp":"2024-03-01T10:00:00Z","duration":1,"data":{"n":1}}'
BEAT = "/api/0/buckets/b/heartbeat?pulsetime=1"
KINDS = {
    "idle": b"",
    "kept alive": b"GET /api/0/info HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "slow head": b"GET /api/0/info HTT",
    "slow body": HEAD % (BEAT.encode(), 1000) + b"{",
    "large body": HEAD % (b"/api/0/buckets/b/events", 30_000_000) + b"[",
    "slow import": HEAD % (b"/api/0/import", 30_000_000) + b"{",
    "slow reader": b"GET /api/0/export HTTP/1.1\r\nhost: localhost\r\n\r\n",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request(method, path, body, {"content-type": "application/json"} if body else {})
    status = connection.getresponse()
    status.read()
    connection.close()
    assert status.status == 200, (path, status.status)


def memory_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def still_open(connections):
    poller = select.poll()
    for connection in connections:
        poller.register(connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    return len(connections) - len(poller.poll(0))


def measure(port, pid, kind, count):
    connections = []
    begun = time.monotonic()
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=300)
        connection.sendall(KINDS[kind])
        connections.append(connection)
    opened = time.monotonic() - begun
    waits = []
    for _ in range(20):
        begun = time.monotonic()
        request(port, "POST", BEAT, HEARTBEAT)
        waits.append(time.monotonic() - begun)
    waits.sort()
    print(
        f"{kind:12} {count:6} opened in {opened:6.2f} s; a new client waits {waits[10] * 1e3:8.1f} ms (median), "
        f"{waits[-1] * 1e3:8.1f} ms (longest of 20); {still_open(connections):6} still open; "
        f"{memory_mib(pid):7.1f} MiB",
        flush=True,
    )
    for connection in connections:
        connection.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("server")
    arguments.add_argument("--count", type=int, default=10_000)
    arguments.add_argument("--places", type=int, default=512)
    arguments.add_argument("--kind", choices=KINDS, action="append")
    options = arguments.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(options.count, most - 100)
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "config.toml")
        with open(config, "w") as file:
            file.write(f"[limits]\nconnections = {options.places}\n")
        port = free_port()
        command = [options.server, "serve", "--port", str(port), "--dbpath", f"{directory}/data", "--config", config]
        with open(f"{directory}/log", "w") as log:
            server = subprocess.Popen(command, stderr=log, env={**os.environ, "HOME": directory})
        try:
            for _ in range(200):
                try:
                    request(port, "GET", "/api/0/info")
                    break
                except OSError:
                    time.sleep(0.05)
            request(port, "POST", "/api/0/buckets/b", b'{"client":"c","type":"t","hostname":"h"}')
            event = b'{"timestamp":"2024-03-02T10:00:00Z","duration":1,"data":{"d":"%s"}}' % (b"x" * 100_000)
            request(port, "POST", "/api/0/buckets/b/events", b"[" + b",".join([event] * 100) + b"]")
            print(f"places {options.places}; memory before: {memory_mib(server.pid):.1f} MiB")
            for kind in options.kind or KINDS:
                measure(port, server.pid, kind, count)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
