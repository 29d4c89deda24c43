"""What a hundred tenants at once cost one server: `python -m benchmarks.tenants [--tenants 100] [--rounds 20]`.

Starts `fake-pacs serve` in a process of its own; each tenant's thread stores results of about 8 KB, reads them back and
asks for tiles. Prints the resident memory of the server as it grows, and requests per second. The journal is bounded
(64 MiB of all tenants together); what callers store is not: with --state FILE it lies on the disk.

What was measured stands in docs/operating.md.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

from fake_pacs.world import contract
from ia_api_spec import NEWEST

BASE = contract("ia-api", NEWEST).base_path
CONTROL = {"X-Fake-Pacs-Control": "dev-control"}
LABELS = [{"label": "x" * 100, "location": {"x": 0.5, "y": 0.5}}] * 50


@contextmanager
def serving(options: list[str]) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its process id and its port."""
    command = [sys.executable, "-m", "fake_pacs", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = next(int(found[1]) for line in server.stdout if (found := re.search(r"URL .*:(\d+)/", line)))
        try:
            yield server.pid, port
        finally:
            server.terminate()


def resident(pid: int) -> float:
    """Resident memory of a process, in MiB."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


class Tenant:
    """One tenant with a connection of its own."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("localhost", port, timeout=120)
        self.headers = CONTROL
        self.headers = {**CONTROL, "Authorization": f"Bearer {self.ask('POST', '/_fake_pacs/tenants')['token']}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; JSON comes back read."""
        sent = None if body is None else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        self.connection.request(method, path, sent, {**self.headers, **kind})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content) if answer.headers.get_content_type() == "application/json" else None

    def rounds(self, count: int) -> None:
        """So many results stored and read, and as many tiles."""
        data = {"result": {"type": "primitive", "content": [{"labels": LABELS}]}}
        result = {"slideId": "demo-he-1", "displayResult": "x", "data": data}
        for _ in range(count):
            stored = self.ask("POST", f"{BASE}/applications/nuclei-counter/results", result)
            self.ask("GET", f"{BASE}/applications/nuclei-counter/results/{stored['id']}")
            self.ask("GET", f"{BASE}/images/demo-he-1_files/9/0_0.jpg")


def journal_kept(tenants: list[Tenant]) -> int:
    """How many exchanges the server remembers of all of them."""
    return sum(len(tenant.ask("GET", "/_fake_pacs/journal")["exchanges"]) for tenant in tenants)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20, help="results of each tenant between two measurements")
    parser.add_argument("--measurements", type=int, default=5)
    parser.add_argument("--state", help="a new file for the state; in memory where none is given")
    asked = parser.parse_args()
    with (
        serving(["--state", asked.state] if asked.state else []) as (pid, port),
        ThreadPoolExecutor(asked.tenants) as pool,
    ):
        print(f"after the start: {resident(pid):.0f} MiB")
        tenants = list(pool.map(lambda _: Tenant(port), range(asked.tenants)))
        print(f"with {asked.tenants} tenants: {resident(pid):.0f} MiB")
        for turn in range(asked.measurements):
            began = time.perf_counter()
            list(pool.map(lambda tenant: tenant.rounds(asked.rounds), tenants))
            rate = asked.tenants * asked.rounds * 3 / (time.perf_counter() - began)
            print(f"after {(turn + 1) * asked.rounds} results of each: {resident(pid):.0f} MiB, {rate:.0f} requests/s")
        print(f"the journal has {journal_kept(tenants)} exchanges")


if __name__ == "__main__":
    main()
