"""A client as it should be: it reads a slide, stores a result with an attachment, updates it."""

import os
import sys

import requests

URL, TOKEN = os.environ["IA_API_URL"], os.environ["IA_API_TOKEN"]
SLIDE, APPLICATION = os.environ["IA_API_SLIDE_ID"], os.environ["IA_API_APP_ID"]
RESULTS = f"{URL}/applications/{APPLICATION}/results"


def ask(method: str, url: str, **options: object) -> requests.Response:
    """Asks once; any refusal ends the program, unless the caller can do something about it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.request(method, url, headers=headers, timeout=10, **options)
    if answer.status_code >= 400 and answer.status_code != 409:
        sys.exit(f"{method} {url} was refused with {answer.status_code}: {answer.text}")
    return answer


def update(result_id: int) -> None:
    """Writes what we have to say onto the latest version; somebody else may be faster a few times."""
    for _ in range(3):
        latest = ask("GET", f"{RESULTS}/{result_id}").json()
        if ask("PUT", f"{RESULTS}/{result_id}", json={**latest, "displayResult": "2 areas"}).status_code == 200:
            return
    sys.exit(f"the result {result_id} changes faster than we can write it")


def main() -> None:
    """Stores a result."""
    print(ask("GET", f"{URL}/slides/{SLIDE}/info").json()["imageSize"])
    result = {
        "slideId": SLIDE,
        "displayResult": "1 area",
        "data": {},
        "attachments": [{"name": "a.txt", "state": "new"}],
    }
    stored = ask("POST", RESULTS, json=result).json()
    ask("PUT", f"{RESULTS}/{stored['id']}/attachments?name=a.txt", data=b"an area")
    update(stored["id"])


if __name__ == "__main__":
    main()
