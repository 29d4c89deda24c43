"""Registered apps, over every variant of the store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from fake_pacs.calling.values import RegisteredApp
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.store import Store

CONTEXT: dict[str, Any] = {"z": [1, {"Ünï": "😀"}], "a": None}
APP = RegisteredApp("b", "http://localhost:9/b", "B", "We", {"type": "wholeSlide"}, CONTEXT)


def test_an_app_comes_back_as_it_was_put_and_is_listed_by_id(store: Store):
    template = {"type": "taggedPolygon", "content": {"tags": ["t"]}}
    first = replace(APP, application_id="a", input_template=template, enabled=False, notifications=True)
    store.put_app("north", APP)
    store.put_app("north", first)
    assert store.app("north", "b") == APP
    assert store.app("north", "a") == first
    assert store.apps("north") == [first, APP]
    found = store.app("north", "b")
    assert found is not None
    assert list(found.context) == ["z", "a"]


def test_an_app_of_the_same_id_is_replaced(store: Store):
    store.put_app("north", APP)
    other = replace(APP, url="http://localhost:9/c", context={})
    store.put_app("north", other)
    assert store.apps("north") == [other]


def test_tenants_have_their_own_apps(store: Store):
    store.put_app("north", APP)
    assert (store.app("south", "b"), store.apps("south")) == (None, [])
    with pytest.raises(Refusal) as refused:
        store.remove_app("south", "b")
    assert refused.value.refused is Refusals.UNKNOWN_APPLICATION
    assert store.apps("north") == [APP]


def test_a_change_touches_only_what_it_names(store: Store):
    store.put_app("north", APP)
    assert store.change_app("north", "b", enabled=False) == replace(APP, enabled=False)
    assert store.change_app("north", "b", notifications=True) == replace(APP, enabled=False, notifications=True)
    changed = store.change_app("north", "b", context={"new": True}, enabled=True)
    assert changed == replace(APP, notifications=True, context={"new": True})
    assert store.change_app("north", "b") == changed == store.app("north", "b")


def test_changes_at_once_are_all_kept(store: Store):
    store.put_app("north", APP)
    changes: list[dict[str, Any]] = [{"enabled": False}, {"notifications": True}, {"context": {"k": 1}}]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda change: store.change_app("north", "b", **change), changes))
    assert store.app("north", "b") == replace(APP, enabled=False, notifications=True, context={"k": 1})


def test_an_app_that_isn_t_there_is_named_and_none_is_made(store: Store):
    for call in (store.change_app, store.remove_app):
        with pytest.raises(Refusal, match="No app 'x' is registered by its URL"):
            call("north", "x")
    assert store.app("north", "x") is None
    with pytest.raises(Refusal, match="no tenant 'west'"):
        store.put_app("west", APP)


def test_a_removed_app_is_gone_and_its_results_stay(store: Store):
    store.put_app("north", APP)
    store.create_result("north", "b", "s1", {}, [], "v1")
    store.remove_app("north", "b")
    assert store.apps("north") == []
    assert [result.id for result in store.results("north", "b")] == [1]


def test_a_reset_leaves_apps_alone(store: Store):
    store.put_app("north", APP)
    store.reset_tenant("north")
    assert store.apps("north") == [APP]


@pytest.mark.parametrize("member", [{"display_name": "\ud800"}, {"context": {"a": "\udfff"}}])
def test_lone_surrogates_are_refused_and_change_nothing(store: Store, member: dict[str, Any]):
    store.put_app("north", APP)
    with pytest.raises(ValueError, match="lone surrogate"):
        store.put_app("north", replace(APP, **member))
    assert store.apps("north") == [APP]
