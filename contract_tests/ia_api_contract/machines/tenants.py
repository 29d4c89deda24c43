"""Two tenants on one server: what the one stores, the other never sees. Only an emulator has tenants."""

from dataclasses import dataclass, field
from typing import Any

from ia_api_contract.checks.results_asking import Document, mark, stored_in
from ia_api_contract.exchanges import Answer
from ia_api_contract.machines.walking import WRITERS, Step, explore
from ia_api_contract.outcomes import Skipped, expect
from ia_api_contract.target import Target
from ia_api_spec import ApiVersion

VERBS = ("store", "store", "read", "read", "replace", "replace", "upload", "judge")

NAME = "tenants.txt"
"""The attachment that every result declares."""


@dataclass
class Tenant:
    """One tenant as the oracle has it: results by id with what they show and hold, and the verdict on the slide."""

    token: str
    shown: dict[Any, str] = field(default_factory=dict)
    versions: dict[Any, str] = field(default_factory=dict)
    contents: dict[Any, bytes] = field(default_factory=dict)
    verdict: str = "NotSet"


class TenantsMachine:
    """Two tenants, put back to their seeded state, and what each of them has to see."""

    def __init__(self, target: Target, tokens: tuple[str, ...]) -> None:
        self.target = target
        self.tenants = [Tenant(token) for token in tokens]
        for tenant in self.tenants:
            answer = _control(target, "/_fake_pacs/reset", {"Authorization": f"Bearer {tenant.token}"})
            expect(answer.status == 200, f"putting a tenant back to its seeded state was answered with {answer}")

    def take(self, step: Step) -> str:
        """Takes the step, then looks at what both tenants see."""
        tenant, other = self.tenants[step.who], self.tenants[1 - step.who]
        ids = sorted({*tenant.shown, *other.shown})
        chosen = ids[step.which % len(ids)] if ids else 1
        words = f"{WRITERS[step.who]} {getattr(self, f'_{step.verb}')(tenant, chosen, step)}"
        for name, one in zip(WRITERS, self.tenants, strict=True):
            self._look(one, chosen, f"{words}; afterwards {name}")
            if step.verb == "judge":
                self._look_at_verdict(one, f"{words}; afterwards {name}")
        return words

    def _store(self, tenant: Tenant, _: Any, step: Step) -> str:
        document = self.target.result(displayResult=mark(), attachments=[{"name": NAME}])
        answer = self._ask(tenant, "createResult", json_body=document)
        stored = stored_in(answer, f"{WRITERS[step.who]} storing a result")
        expect(stored["id"] not in tenant.shown, f"{WRITERS[step.who]} stores a result: it has the id of another")
        tenant.shown[stored["id"]] = document["displayResult"]
        tenant.versions[stored["id"]] = stored["versionId"]
        return f"stores a result, which gets the id {stored['id']}"

    def _read(self, tenant: Tenant, chosen: Any, step: Step) -> str:
        self._expect_one(tenant, chosen, f"{WRITERS[step.who]} reads result {chosen}")
        return f"reads result {chosen}"

    def _replace(self, tenant: Tenant, chosen: Any, step: Step) -> str:
        text, words = mark(), f"replaces result {chosen}"
        document = self.target.result(displayResult=text, attachments=[{"name": NAME}])
        document["versionId"] = tenant.versions.get(chosen, "unknown")
        answer = self._ask(tenant, "updateResult", resultId=chosen, json_body=document)
        if chosen not in tenant.shown:
            expect(answer.status == 404, f"{WRITERS[step.who]} {words} of the other: {answer}; expected 404")
            return f"{words}, which only the other has: refused"
        tenant.versions[chosen] = stored_in(answer, f"{WRITERS[step.who]} {words}")["versionId"]
        tenant.shown[chosen] = text
        return words

    def _upload(self, tenant: Tenant, chosen: Any, step: Step) -> str:
        content, words = mark().encode(), f"uploads an attachment of result {chosen}"
        answer = self._ask(tenant, "putAttachment", resultId=chosen, name=NAME, body=content)
        if chosen not in tenant.shown:
            expect(answer.status == 404, f"{WRITERS[step.who]} {words} of the other: {answer}; expected 404")
            return f"{words}, which only the other has: refused"
        expect(answer.status // 100 == 2, f"{WRITERS[step.who]} {words}: {answer}; expected 200")
        tenant.contents[chosen] = content
        return words

    def _judge(self, tenant: Tenant, _: Any, step: Step) -> str:
        if self.target.version < ApiVersion("1.10"):
            return "does nothing"
        status, words = ("QualityOk", "Rejected")[step.how % 2], f"{WRITERS[step.who]} judges the slide"
        version = self._quality_control(tenant, words).get("versionId")
        body = {"applicationVersion": "1.0", "qualityControl": {"status": status, "versionId": version}}
        answer = self.target.ask("setQualityControl", slideId=self.target.slide, json_body=body, token=tenant.token)
        expect(answer.status // 100 == 2, f"{words}: {answer}; expected 200")
        tenant.verdict = status
        return f"judges the slide: {status}"

    def _look(self, tenant: Tenant, chosen: Any, words: str) -> None:
        """Raises `Failed` unless the tenant sees its own list and chosen result and nothing else."""
        answer = self._ask(tenant, "listResults", slideId=self.target.slide)
        listed = answer.json if isinstance(answer.json, list) else []
        came = {entry.get("id"): entry.get("displayResult") for entry in listed}
        expect(came == tenant.shown, f"{words} sees the results {came}; expected {tenant.shown}")
        self._expect_one(tenant, chosen, f"{words} reads result {chosen}")

    def _look_at_verdict(self, tenant: Tenant, words: str) -> None:
        if self.target.version >= ApiVersion("1.10"):
            verdict = self._quality_control(tenant, words).get("status")
            expect(verdict == tenant.verdict, f"{words} sees the slide as {verdict}; expected {tenant.verdict}")

    def _expect_one(self, tenant: Tenant, result_id: Any, words: str) -> None:
        """Raises `Failed` unless the result and its attachment are the tenant's own, or not there."""
        answer = self._ask(tenant, "getResult", resultId=result_id)
        attached = self._ask(tenant, "getAttachment", resultId=result_id, name=NAME)
        if result_id in tenant.shown:
            came = answer.json.get("displayResult") if isinstance(answer.json, dict) else answer
            expect(came == tenant.shown[result_id], f"{words}: {came}; expected {tenant.shown[result_id]}")
        else:
            expect(answer.status == 404, f"{words}, which only the other has: {answer}; expected 404")
        content = tenant.contents.get(result_id)
        right = attached.status == 404 if content is None else attached.body == content
        expect(right, f"{words}: its attachment is {attached}; expected {content!r}")

    def _quality_control(self, tenant: Tenant, words: str) -> Document:
        answer = self.target.ask("getSlideInfo", slideId=self.target.slide, token=tenant.token)
        state = answer.json.get("qualityControl") if isinstance(answer.json, dict) else None
        expect(isinstance(state, dict), f"{words} asks for slide info: {answer}")
        return dict(state or {})

    def _ask(self, tenant: Tenant, operation_id: str, **said: Any) -> Answer:
        return self.target.ask(operation_id, applicationId=self.target.application, token=tenant.token, **said)


def two_tenants(target: Target) -> None:
    """Each tenant sees its own results, attachments and verdicts after every step of both."""
    target.need_writes()
    tokens = tuple(_new_tenant(target) for _ in WRITERS)
    explore(target, "machines.tenants", VERBS, lambda: TenantsMachine(target, tokens))


def _new_tenant(target: Target) -> str:
    """The token of a fresh tenant. Raises `Skipped` where there is no control plane to make one."""
    if target.options.control_token is None:
        raise Skipped("tenants can only be made on an emulator, with --control-token")
    answer = _control(target, "/_fake_pacs/tenants", {"Content-Type": "application/json"}, b"{}")
    if answer.status != 201 or not isinstance(answer.json, dict):
        raise Skipped(f"no tenant can be made here: the control plane answered {answer.status}")
    token = str(answer.json["token"])
    target.redactor.learn(token)
    target.redactor.learn(answer.json.get("password"))
    return token


def _control(target: Target, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
    sent = {"X-Fake-Pacs-Control": target.options.control_token or "", **headers}
    return target.root("POST", path, sent, body)
