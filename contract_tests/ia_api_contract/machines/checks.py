"""The checks that walk and race: all of them take longer than a quick run allows."""

from functools import partial

from ia_api_contract.check import Check
from ia_api_contract.machines.attachments import any_order
from ia_api_contract.machines.quality_control import two_writers as two_judges
from ia_api_contract.machines.registers import quality_control_is_linearizable, results_are_linearizable
from ia_api_contract.machines.results import two_writers
from ia_api_contract.machines.tenants import two_tenants

_full = partial(Check, writes=True, effort="full")

CHECKS = (
    _full(
        "results.linearizable",
        "What eight clients are told of one result is what a single register could have told them.",
        "updateResult 409",
        "A read that shows what was replaced already, or a write that is lost, shows only between many clients.",
        results_are_linearizable,
        needs=("results.stale-refused",),
    ),
    _full(
        "quality-control.linearizable",
        "What eight clients are told of a slide's quality control is what a single register could have told them.",
        "setQualityControl 409",
        "A read that shows what was replaced already, or a write that is lost, shows only between many clients.",
        quality_control_is_linearizable,
        since="1.10",
        needs=("quality-control.stale-refused",),
    ),
    _full(
        "machines.results",
        "Two writers who store, read, list and replace results in any order get an oracle's answers and refusals.",
        "updateResult 409",
        "Mistakes that need three steps in the right order are found by no single sentence.",
        two_writers,
        needs=("results.stale-refused", "results.refused-unchanged", "results.slide-fixed", "results.id-fixed"),
    ),
    _full(
        "machines.quality-control",
        "Two writers who look at slides and judge them in any order get an oracle's answers and refusals.",
        "setQualityControl 409",
        "Mistakes that need three steps in the right order are found by no single sentence.",
        two_judges,
        since="1.10",
        needs=("quality-control.stale-refused",),
    ),
    _full(
        "machines.attachments",
        "Attachments that are declared, uploaded, dropped and read in any order are what an oracle says.",
        "putAttachment",
        "Mistakes that need three steps in the right order are found by no single sentence.",
        any_order,
        needs=("attachments.uploaded-stored", "attachments.declared-again-new"),
    ),
    _full(
        "machines.tenants",
        "Two tenants of an emulator never see each other's results, attachments and verdicts.",
        "listResults 200",
        "Parallel jobs share one server: what leaks from one into another fails tests at random.",
        two_tenants,
        needs=("results.stores-and-reads",),
    ),
)
