"""A state machine: every variant of the store gives the same answers and the same refusals as plain dictionaries."""

import io
import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from fake_pacs.refusals import Refusal
from fake_pacs.sql_store import SqlStore
from fake_pacs.store import StoredResult

TENANTS = st.sampled_from(["north", "south"])
APPLICATIONS = st.sampled_from(["app", "other"])
SLIDES = st.sampled_from(["s1", "s2"])
IDS = st.sampled_from([1, 1, 2, 3, 0, 2**63])
NAMES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
STATUSES = st.sampled_from(["NotSet", "QualityOk", "Rejected"])
SENT = st.sampled_from(["current", "current", "stale", None])
DOCUMENTS = st.dictionaries(
    st.sampled_from(["data", "x", "Ü"]),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.none(),
)
BYTES = st.binary(max_size=5)
Answer = tuple[str, Any]


class Oracle:
    """What the store has to do, on dictionaries."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str, int], dict[str, Any]] = {}
        self.last: dict[tuple[str, str], int] = {}
        self.quality: dict[tuple[str, str], tuple[str, str]] = {}

    def create(self, tenant: str, app: str, slide: str, document: Any, names: list[str], version: str) -> Answer:
        if len(set(names)) < len(names):
            return "refused", "invalid-request"
        number = self.last[tenant, app] = self.last.get((tenant, app), 0) + 1
        bytes_by_name = dict.fromkeys(names)
        self.results[tenant, app, number] = {"v": version, "s": slide, "d": document, "a": bytes_by_name}
        return self.result(tenant, app, number)

    def result(self, tenant: str, app: str, number: int) -> Answer:
        found = self.results.get((tenant, app, number))
        if found is None:
            return "refused", "unknown-result"
        entries = [(n, "new" if b is None else "stored", None if b is None else len(b)) for n, b in found["a"].items()]
        return "ok", (number, found["v"], found["s"], found["d"], entries)

    def update(
        self,
        tenant: str,
        app: str,
        number: int,
        slide: str,
        document: Any,
        names: list[str],
        sent: str | None,
        version: str,
    ) -> Answer:
        found = self.results.get((tenant, app, number))
        if number in (0, 2**63):
            return "refused", "unknown-result"
        if len(set(names)) < len(names):
            return "refused", "invalid-request"
        if found is None:
            return "refused", "unknown-result"
        if found["s"] != slide:
            return "refused", "identity-changed"
        if sent not in (None, found["v"]):
            return "refused", "stale-version"
        kept = {name: found["a"].get(name) for name in names}
        self.results[tenant, app, number] = {"v": version, "s": slide, "d": document, "a": kept}
        return self.result(tenant, app, number)

    def upload(self, tenant: str, app: str, number: int, name: str, data: bytes) -> Answer:
        found = self.results.get((tenant, app, number))
        if found is None:
            return "refused", "unknown-result"
        if name not in found["a"]:
            return "refused", "unknown-attachment"
        found["a"][name] = data
        return "ok", ("stored", len(data))

    def read(self, tenant: str, app: str, number: int, name: str) -> Answer:
        found = self.results.get((tenant, app, number))
        if found is None:
            return "refused", "unknown-result"
        if found["a"].get(name) is None:
            return "refused", "unknown-attachment"
        return "ok", found["a"][name]

    def reset(self, tenant: str) -> None:
        self.results = {key: value for key, value in self.results.items() if key[0] != tenant}
        self.last = {key: value for key, value in self.last.items() if key[0] != tenant}
        self.quality = {key: value for key, value in self.quality.items() if key[0] != tenant}


def shown(result: StoredResult) -> Any:
    entries = [(entry.name, entry.state, entry.size) for entry in result.attachments]
    return result.id, result.version_id, result.slide_id, result.document, entries


def answer(call: Callable[[], Any]) -> Answer:
    try:
        return "ok", call()
    except Refusal as refusal:
        return "refused", refusal.refused.value.name


class StoreMachine(RuleBasedStateMachine):
    def __init__(self, make_store: Callable[[], SqlStore]) -> None:
        super().__init__()
        self.store, self.oracle = make_store(), Oracle()
        self.versions = (f"v{number}" for number in itertools.count(1))

    def teardown(self) -> None:
        self.store.close()

    def sent(self, how: str | None, current: str | None) -> str | None:
        return (current or "none") if how == "current" else how

    @rule(tenant=TENANTS, app=APPLICATIONS, slide=SLIDES, document=DOCUMENTS, names=NAMES)
    def create(self, tenant: str, app: str, slide: str, document: Any, names: list[str]) -> None:
        version = next(self.versions)
        got = answer(lambda: shown(self.store.create_result(tenant, app, slide, document, names, version)))
        assert got == self.oracle.create(tenant, app, slide, document, names, version)

    @rule(tenant=TENANTS, app=APPLICATIONS, number=IDS, slide=SLIDES, document=DOCUMENTS, names=NAMES, how=SENT)
    def update(self, tenant: str, app: str, number: int, slide: str, document: Any, names: list[str], how: str) -> None:
        version = next(self.versions)
        known = self.oracle.results.get((tenant, app, number), {})
        sent = self.sent(how, known.get("v"))
        got = answer(
            lambda: shown(
                self.store.update_result(
                    tenant, app, number, document, names, expected_version=sent, slide_id=slide, version_id=version
                )
            )
        )
        assert got == self.oracle.update(tenant, app, number, slide, document, names, sent, version)

    @rule(tenant=TENANTS, app=APPLICATIONS, number=IDS)
    def delete(self, tenant: str, app: str, number: int) -> None:
        expected = self.oracle.result(tenant, app, number)
        got = answer(lambda: self.store.delete_result(tenant, app, number))
        assert got == (("ok", None) if expected[0] == "ok" else expected)
        self.oracle.results.pop((tenant, app, number), None)

    @rule(tenant=TENANTS, app=APPLICATIONS, number=IDS, name=st.sampled_from("abc"), data=BYTES)
    def upload(self, tenant: str, app: str, number: int, name: str, data: bytes) -> None:
        def put() -> Any:
            entry = self.store.put_attachment(tenant, app, number, name, io.BytesIO(data))
            return entry.state, entry.size

        assert answer(put) == self.oracle.upload(tenant, app, number, name, data)

    @rule(tenant=TENANTS, app=APPLICATIONS, number=IDS, name=st.sampled_from("abc"))
    def read(self, tenant: str, app: str, number: int, name: str) -> None:
        def get() -> bytes:
            entry = self.store.attachment(tenant, app, number, name)
            return b"".join(self.store.read_attachment(entry, 0, entry.size or 0))

        assert answer(get) == self.oracle.read(tenant, app, number, name)

    @rule(tenant=TENANTS, slide=SLIDES, status=STATUSES, how=SENT)
    def set_quality_control(self, tenant: str, slide: str, status: Any, how: str) -> None:
        now = self.store.quality_control(tenant, slide)
        assert (now.status, now.version_id) == self.oracle.quality.get((tenant, slide), ("NotSet", now.version_id))
        sent, version = self.sent(how, now.version_id), next(self.versions)
        got = answer(
            lambda: self.store.set_quality_control(tenant, slide, status, expected_version=sent, version_id=version)
        )
        if sent == "stale":
            assert got == ("refused", "stale-version")
        else:
            assert (got[1].status, got[1].version_id) == (status, version)
            self.oracle.quality[tenant, slide] = (status, version)

    @precondition(lambda self: len(self.oracle.results) > 3)
    @rule(tenant=TENANTS)
    def reset(self, tenant: str) -> None:
        self.store.reset_tenant(tenant)
        self.oracle.reset(tenant)

    @invariant()
    def everything_listed_is_as_expected(self) -> None:
        for tenant, app in itertools.product(["north", "south"], ["app", "other"]):
            mine = sorted(number for t, a, number in self.oracle.results if (t, a) == (tenant, app))
            expected = [self.oracle.result(tenant, app, number)[1] for number in mine]
            assert [shown(result) for result in self.store.results(tenant, app)] == expected
            of_slide = [one for one in expected if one[2] == "s2"]
            assert [shown(result) for result in self.store.results(tenant, app, "s2")] == of_slide


def test_the_store_answers_and_refuses_like_plain_dictionaries(make_store: Callable[[], SqlStore]):
    run_state_machine_as_test(
        lambda: StoreMachine(make_store),
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
