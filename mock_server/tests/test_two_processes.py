"""Two processes of a client update one result, 1,000 times in all, and no update is lost."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

UPDATES = 500

CLIENT = """
import http.client, json, sys
port, path, mine, updates = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
client = http.client.HTTPConnection("localhost", port, timeout=30)
headers = {"Authorization": "Bearer dev-token", "Content-Type": "application/json"}

def ask(method, body=None):
    client.request(method, path, body, headers)
    answer = client.getresponse()
    return answer.status, json.loads(answer.read())

done = refused = 0
status, stored = ask("GET")
while done < updates:
    stored["displayProperties"] = {**stored["displayProperties"], mine: stored["displayProperties"].get(mine, 0) + 1}
    stored["displayProperties"]["all"] = stored["displayProperties"].get("all", 0) + 1
    status, answered = ask("PUT", json.dumps(stored))
    if status == 200:
        done, stored = done + 1, answered
    elif status == 409:
        refused += 1
        status, stored = ask("GET")
    else:
        sys.exit(f"{status}: {answered}")
print(refused)
"""


@pytest.mark.slow
def test_a_thousand_updates_of_two_processes_are_all_there(run_pacs: Callable[..., Any]) -> None:
    server = run_pacs()
    first = server.create_app().test_client()
    path = f"{server.url.partition(str(server.port))[2]}/applications/nuclei-counter/results"
    body = {"slideId": "demo-he-1", "displayResult": "counted", "data": {}}
    assert first.post(path, json=body, headers={"Authorization": "Bearer dev-token"}).status_code == 201

    command = [sys.executable, "-c", CLIENT, str(server.port), f"{path}/1"]
    clients = [
        subprocess.Popen([*command, name, str(UPDATES)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said = [client.communicate(timeout=120) for client in clients]
    assert [client.returncode for client in clients] == [0, 0], said

    (result,) = server.get_results("nuclei-counter", "demo-he-1")
    counted = json.loads(json.dumps(result.model_dump()["displayProperties"]))
    assert counted == {"one": UPDATES, "two": UPDATES, "all": 2 * UPDATES}
    assert sum(int(out) for out, _ in said) > 0, "they did meet"
