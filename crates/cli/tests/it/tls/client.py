"""A client that keeps its connection: python client.py PORT CERTIFICATE

On each line of stdin it sends a request on the first connection and one on a new one, and prints one line of JSON: the two
statuses, and the fingerprints of the certificates.
"""

import hashlib
import http.client
import json
import ssl
import sys


def connect(port, context):
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
    connection.connect()
    return connection, hashlib.sha256(connection.sock.getpeercert(True)).hexdigest()


def ask(connection):
    connection.request("GET", "/api/0/info")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def main():
    port, certificate = int(sys.argv[1]), sys.argv[2]
    checking = ssl.create_default_context(cafile=certificate)
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    kept, first = connect(port, checking)
    for _ in sys.stdin:
        new, second = connect(port, trusting)
        said = {"kept": ask(kept), "new": ask(new), "first": first, "second": second}
        new.close()
        print(json.dumps(said), flush=True)


main()
