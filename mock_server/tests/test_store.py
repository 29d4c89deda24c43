"""Results, quality control, tenants, credentials and users, over every variant of the store."""

import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from fake_pacs.calling.values import RegisteredApp
from fake_pacs.refusals import Refusal, Refusals
from fake_pacs.sql_store import SqlStore
from fake_pacs.store import ContentReplacedError, Credential, QualityControl, Store, StoreError

DOCUMENT: dict[str, Any] = {
    "z": 1,
    "a": {"y": 0.1 + 0.2, "b": None, "Ünï": ["😀", "\0", 10**30, -0.0, 1e-320]},
    "m": [],
}
HUGE = 2**63


def create(
    store: Store, *, tenant: str = "north", app: str = "app", slide: str = "s1", names: tuple[str, ...] = ()
) -> int:
    return store.create_result(tenant, app, slide, DOCUMENT, names, "v1").id


def update(store: Store, result_id: int, expected: str | None, version: str, slide: str = "s1", **document: Any) -> str:
    return store.update_result(
        "north", "app", result_id, document, [], expected_version=expected, slide_id=slide, version_id=version
    ).version_id


def test_a_result_comes_back_as_it_was_stored_with_members_in_their_order(store: SqlStore):
    made = store.create_result("north", "app", "s1", DOCUMENT, ["b", "a"], "v1")
    read = store.result("north", "app", made.id)
    assert read == made
    assert list(read.document) == ["z", "a", "m"]
    assert repr(read.document) == repr(DOCUMENT)
    assert [(entry.name, entry.state, entry.size) for entry in read.attachments] == [
        ("b", "new", None),
        ("a", "new", None),
    ]


def test_ids_count_from_1_per_tenant_and_application_and_are_never_used_again(store: SqlStore):
    assert [create(store), create(store), create(store, app="other"), create(store, tenant="south")] == [1, 2, 1, 1]
    store.delete_result("north", "app", 2)
    assert create(store) == 3
    with pytest.raises(Refusal, match="There is no result 2 of application 'app'") as refused:
        store.result("north", "app", 2)
    assert refused.value.refused is Refusals.UNKNOWN_RESULT


def test_results_of_a_slide_are_ordered_by_id_and_those_of_others_stay_out(store: SqlStore):
    for number in range(12):
        create(store, slide=f"s{number % 2}", names=("x", f"n{number}"))
    create(store, app="other", slide="s1")
    create(store, tenant="south", slide="s1")
    listed = store.results("north", "app", "s1")
    assert [result.id for result in listed] == [2, 4, 6, 8, 10, 12]
    assert listed == [store.result("north", "app", result.id) for result in listed]
    assert [result.id for result in store.results("north", "app")] == list(range(1, 13))
    assert store.results("north", "app", "s3") == []


def test_an_update_replaces_the_document_and_needs_the_stored_version(store: SqlStore):
    number = create(store)
    assert update(store, number, "v1", "v2", n=1) == "v2"
    with pytest.raises(Refusal, match="versionId 'v1' was sent, stored is 'v2'") as refused:
        update(store, number, "v1", "v3", n=2)
    assert refused.value.refused is Refusals.STALE_VERSION
    assert "Read the result again" in str(refused.value.hint)
    stored = store.result("north", "app", number)
    assert (stored.version_id, stored.document) == ("v2", {"n": 1})


def test_an_update_without_expected_version_goes_through(store: SqlStore):
    number = create(store)
    update(store, number, None, "v2", n=1)
    assert store.result("north", "app", number).version_id == "v2"


@pytest.mark.parametrize("expected", ["v1", None, "stale"])
def test_an_update_can_not_move_a_result_to_another_slide(store: SqlStore, expected: str | None):
    number = create(store)
    with pytest.raises(Refusal, match="The result 1 of application 'app' belongs to slide 's1'") as refused:
        update(store, number, expected, "v2", slide="s2")
    assert refused.value.refused is Refusals.IDENTITY_CHANGED
    assert store.result("north", "app", number).version_id == "v1"


@pytest.mark.parametrize("number", [2, 0, -1, HUGE, -HUGE - 1, 10**40])
def test_an_id_that_no_result_has_is_unknown_whatever_its_size(store: SqlStore, number: int):
    create(store)
    for call in (
        lambda: store.result("north", "app", number),
        lambda: store.delete_result("north", "app", number),
        lambda: update(store, number, "v1", "v2"),
        lambda: store.attachment("north", "app", number, "x"),
    ):
        with pytest.raises(Refusal) as refused:
            call()
        assert refused.value.refused is Refusals.UNKNOWN_RESULT


def test_another_tenant_sees_and_changes_nothing(store: SqlStore):
    number = create(store)
    for call in (
        lambda: store.result("south", "app", number),
        lambda: store.delete_result("south", "app", number),
        lambda: store.update_result(
            "south", "app", number, {}, [], expected_version="v1", slide_id="s1", version_id="v2"
        ),
    ):
        with pytest.raises(Refusal, match="unknown-result"):
            call()
    assert store.results("south", "app") == []
    assert store.result("north", "app", number).version_id == "v1"


@pytest.mark.parametrize("document", [{"n": float("nan")}, {"n": float("inf")}, {"t": "a\ud800"}, {"\udc00": 1}])
def test_a_document_that_is_no_json_is_a_value_error_and_nothing_is_stored(store: SqlStore, document: dict[str, Any]):
    number = create(store)
    with pytest.raises(ValueError, match=r"JSON compliant|lone surrogate at position"):
        store.create_result("north", "app", "s1", document, [], "v1")
    with pytest.raises(ValueError, match=r"JSON compliant|lone surrogate at position"):
        update(store, number, "v1", "v2", **document)
    assert [result.document for result in store.results("north", "app")] == [DOCUMENT]


def test_a_lone_surrogate_in_a_name_is_a_value_error_and_nothing_is_stored(store: SqlStore):
    with pytest.raises(ValueError, match=r"lone surrogate at position 1, near 's\\ud800'"):
        store.create_result("north", "app", "s\ud800", {}, [], "v1")
    with pytest.raises(ValueError, match="lone surrogate"):
        store.create_result("north", "app", "s1", {}, ["\ud800"], "v1")
    with pytest.raises(ValueError, match="lone surrogate"):
        store.set_quality_control("north", "\ud800", "Rejected", expected_version=None, version_id="v")
    assert create(store) == 1  # not even the counter moved


def test_escaped_surrogate_text_is_just_text(store: SqlStore):
    number = store.create_result("north", "app", "s1", {"t": "\\ud800 😀"}, [], "v1").id
    assert store.result("north", "app", number).document == {"t": "\\ud800 😀"}


def test_quality_control_is_not_set_from_the_start_with_a_version_of_its_own(store: SqlStore):
    first = store.quality_control("north", "s1")
    assert first.status == "NotSet"
    assert len(bytes.fromhex(first.version_id)) == 8
    assert store.quality_control("north", "s1") == first
    others = {store.quality_control("north", "s2").version_id, store.quality_control("south", "s1").version_id}
    assert len(others | {first.version_id}) == 3


def test_quality_control_is_changed_by_who_read_it_last(store: SqlStore):
    first = store.quality_control("north", "s1").version_id
    changed = store.set_quality_control("north", "s1", "QualityOk", expected_version=first, version_id="v2")
    assert changed == store.quality_control("north", "s1") == QualityControl("QualityOk", "v2")
    with pytest.raises(Refusal, match=r"stored is 'v2' \(QualityOk\)") as refused:
        store.set_quality_control("north", "s1", "Rejected", expected_version=first, version_id="v3")
    assert refused.value.refused is Refusals.STALE_VERSION
    store.set_quality_control("north", "s1", "Rejected", expected_version=None, version_id="v4")
    assert store.quality_control("north", "s1") == QualityControl("Rejected", "v4")


def test_a_reset_forgets_all_but_the_tenants_own_token_and_users(store: SqlStore):
    store.set_users("north", {"dev": "secret"})
    for kind in ("development", "issued", "callback", "session"):
        store.add_credential(f"{kind}-token", Credential("north", kind))
    store.add_credential("southern", Credential("south", "issued"))
    before = store.quality_control("north", "s1").version_id
    store.set_quality_control("north", "s1", "Rejected", expected_version=before, version_id="v")
    create(store, names=("x",))
    create(store, tenant="south")
    store.reset_tenant("north")
    assert store.results("north", "app") == []
    assert [store.credential(f"{kind}-token") for kind in ("issued", "callback", "session")] == [None] * 3
    assert store.credential("development-token") == Credential("north", "development")
    assert store.check_user("dev", "secret") == "north"
    after = store.quality_control("north", "s1")
    assert after.status == "NotSet"
    assert after.version_id != before
    assert create(store) == 1
    assert len(store.results("south", "app")) == 1
    assert store.credential("southern") == Credential("south", "issued")


def test_a_removed_tenant_leaves_nothing_and_its_name_is_free(store: SqlStore):
    before = [store.tenants(), store.contents("south")]
    store.create_tenant("west", "west-token", {"westerner": "secret"})
    store.add_credential("issued", Credential("west", "issued"))
    create(store, tenant="west", names=("x",))
    entry = store.put_attachment("west", "app", 1, "x", io.BytesIO(b"bytes"))
    store.put_app("west", RegisteredApp("hook", "Hook", "Me", "http://localhost:1", {"type": "wholeSlide"}))
    store.remove_tenant("west")
    assert [store.tenants(), store.contents("south")] == before
    assert [store.credential(secret) for secret in ("west-token", "issued")] == [None, None]
    assert store.check_user("westerner", "secret") is None
    assert store.apps("west") == []
    with pytest.raises(ContentReplacedError):
        list(store.read_attachment(entry, 0, 5))
    store.create_tenant("west", "west-token", {"westerner": "other"})
    assert create(store, tenant="west") == 1
    assert store.check_user("westerner", "other") == "west"


def test_tenants_are_listed_and_a_name_is_given_once(store: SqlStore):
    store.create_tenant("east")
    with pytest.raises(Refusal, match="A tenant is called 'east' already") as refused:
        store.create_tenant("east")
    assert refused.value.refused is Refusals.NAME_TAKEN
    assert store.tenants() == ["east", "north", "south"]


def test_nothing_is_kept_for_an_unknown_tenant(store: SqlStore):
    for call in (
        lambda: store.reset_tenant("west"),
        lambda: store.remove_tenant("west"),
        lambda: store.create_result("west", "app", "s1", {}, [], "v1"),
        lambda: store.add_credential("secret", Credential("west", "issued")),
        lambda: store.set_users("west", {"dev": "dev"}),
        lambda: store.quality_control("west", "s1"),
    ):
        with pytest.raises(Refusal, match="There is no tenant 'west'") as refused:
            call()
        assert refused.value.refused is Refusals.UNKNOWN_TENANT


def test_a_credential_comes_back_whole_and_its_expiry_exactly(store: SqlStore):
    expires = datetime(2026, 3, 2, 9, 15, 0, 123457, tzinfo=timezone(timedelta(hours=2)))
    bound = Credential("north", "callback", "app", "S26-1", "", expires)
    store.add_credential("secret", bound)
    assert store.credential("secret") == bound
    assert store.credential("secreT") is None
    assert store.credential("\ud800") is None


def test_expired_credentials_are_purged_and_others_stay(store: SqlStore):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for seconds in (-1, 0, 1):
        store.add_credential(f"{seconds}", Credential("north", "issued", expires_at=now + timedelta(seconds=seconds)))
    store.add_credential("forever", Credential("north", "development"))
    assert store.purge_expired(now) == 2
    assert [store.credential(secret) is None for secret in ("-1", "0", "1", "forever")] == [True, True, False, False]


def test_a_naive_expiry_is_a_value_error(store: SqlStore):
    with pytest.raises(ValueError, match="naive time 2026-01-01T00:00:00, expected an aware one"):
        store.add_credential("secret", Credential("north", "issued", expires_at=datetime(2026, 1, 1)))


def test_a_new_development_token_replaces_the_tenants_former_one(store: SqlStore):
    store.add_credential("old", Credential("north", "development"))
    store.add_credential("southern", Credential("south", "development"))
    store.add_credential("issued", Credential("north", "issued"))
    store.add_credential("new", Credential("north", "development"))
    assert store.credential("old") is None
    assert store.credential("new") == Credential("north", "development")
    assert store.credential("southern") == Credential("south", "development")
    assert store.credential("issued") == Credential("north", "issued")


def test_a_secret_opens_one_tenant_only_and_may_change_its_meaning_there(store: SqlStore):
    store.add_credential("secret", Credential("north", "issued"))
    store.add_credential("secret", Credential("north", "issued", "app"))
    with pytest.raises(Refusal, match="This secret opens another tenant already") as refused:
        store.add_credential("secret", Credential("south", "development"))
    assert refused.value.refused is Refusals.NAME_TAKEN
    assert store.credential("secret") == Credential("north", "issued", "app")


def test_a_user_has_one_tenant_and_one_password(store: SqlStore):
    store.set_users("north", {"dev": "one", "former": "one"})
    store.set_users("north", {"dev": "twö\0", "other": "one"})
    with pytest.raises(Refusal, match="Another tenant has a user 'dev'") as refused:
        store.set_users("south", {"dev": "three"})
    assert refused.value.refused is Refusals.NAME_TAKEN
    assert store.check_user("dev", "twö\0") == "north"
    assert store.check_user("other", "one") == "north"
    assert [store.check_user("dev", wrong) for wrong in ("one", "three", "", "\ud800")] == [None] * 4
    assert store.check_user("nobody", "one") is None
    assert store.check_user("former", "one") is None


def test_a_tenant_is_made_with_its_token_and_users_or_not_at_all(store: SqlStore):
    store.set_users("north", {"dev": "one"})
    with pytest.raises(Refusal, match="Another tenant has a user 'dev'"):
        store.create_tenant("dev", "secret", {"dev": "two"})
    assert "dev" not in store.tenants()
    assert store.credential("secret") is None
    store.create_tenant("job", "secret", {"job": "two"})
    assert store.credential("secret") == Credential("job", "development")
    assert store.check_user("job", "two") == "job"


def test_a_closed_store_says_so(store: SqlStore):
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed; open it again to use it"):
        store.tenants()


def test_stores_in_memory_share_nothing():
    with SqlStore() as one, SqlStore() as other:
        one.create_tenant("north")
        assert other.tenants() == []
