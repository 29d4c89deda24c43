"""The contract suite: checks that a partner runs against our server, their server, their client or their app."""

from ia_api_contract.outcomes import CheckResult, Outcome

__all__ = ["CheckResult", "Outcome"]
