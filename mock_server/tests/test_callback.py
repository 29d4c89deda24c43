"""Where apps and browser-launched apps call back: a URL that they can reach."""

from typing import Any

import pytest

from fake_pacs.calling.callback import callback_url
from fake_pacs.refusals import Refusal


def test_a_launch_gives_the_session_token_of_the_launch_data(run_pacs: Any):
    server = run_pacs()
    launched = server.workstation().launch("dpat-ia-api-external-viewer", "S26-1001", "LAB-NORTH")
    assert launched["launchDataUrl"].startswith(f"{server.url}/launchdata?requestId=S26-1001&sessionToken=")
    assert server.world.store.credential(launched["sessionToken"]).kind == "session"
    with pytest.raises(Refusal, match="unknown-case"):
        server.workstation().launch("dpat-ia-api-external-viewer", "S26-9999")


def test_apps_call_back_where_they_can_reach_the_server(run_pacs: Any):
    server = run_pacs()
    world, app = server.world, "http://localhost:9000/hook"
    base = server.url.removeprefix(server.root_url)
    assert callback_url(world, app) == server.url
    assert callback_url(world, app, "http://pacs.example/v1/") == f"http://pacs.example/v1{base}"
    assert callback_url(world, app, f"http://pacs.example{base}/") == f"http://pacs.example{base}"
    world.address = "http://0.0.0.0:8001"
    assert callback_url(world, "http://[::1]:9000/hook") == f"http://localhost:8001{base}", "nobody listens at [::1]"
    for everywhere, reached in (("http://0.0.0.0:8001", "127.0.0.1"), ("https://[::]:8001", "[::1]")):
        world.address = everywhere
        scheme = everywhere.partition(":")[0]
        assert callback_url(world, f"http://{reached}:9000/hook") == f"{scheme}://{reached}:8001{base}"
    world.address = None
    with pytest.raises(RuntimeError, match="start it first"):
        callback_url(world, app)
    public = run_pacs(public_url="https://pacs.example")
    assert callback_url(public.world, app) == f"https://pacs.example{base}"
