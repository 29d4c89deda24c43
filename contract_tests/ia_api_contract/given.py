"""What the user gave on a command line, completed and checked: the same for `ia-api-contract server` and for pytest."""

import os
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ia_api_contract.holdings import told
from ia_api_contract.learning import reported_versions
from ia_api_contract.outcomes import Failed
from ia_api_contract.target import Options, Target
from ia_api_spec import NEWEST, VERSIONS, ApiVersion, Contract, effective

TOKEN_VARIABLE = "IA_API_CONTRACT_TOKEN"

FAKE_PACS = {"token": "dev-token", "user": "dev", "password": "dev", "control_token": "dev-control"}
"""What a fake-pacs on loopback is opened with unless it was told otherwise; tried only where one answers."""

EXAMPLES, QUICK_EXAMPLES = 30, 5


class UsageError(ValueError):
    """The command line can't be followed: the text says what came and what was expected."""


@dataclass(frozen=True)
class Given:
    """The options as they were given, None for what wasn't."""

    url: str
    api_version: str | None = None
    token: str | None = None
    app_id: str | None = None
    slide_id: str | None = None
    accession: str | None = None
    user: str | None = None
    control_token: str | None = None
    read_only: bool = False
    max_examples: int | None = None
    quick: bool = False
    seed: int = 0
    insecure: bool = False
    ca: Path | None = None

    def options(self) -> Options:
        """The options of a run. Asks the target where nothing was said of the version, or of the token on loopback.

        Raises `UsageError` for what can't be meant.
        """
        name, password = _user(self.user)
        options = Options(
            url=_url(self.url),
            token=self.token or os.environ.get(TOKEN_VARIABLE, ""),
            api_version=_version(self.api_version),
            app_id=self.app_id,
            slide_id=self.slide_id,
            accession=self.accession,
            user=name,
            password=password,
            control_token=self.control_token,
            read_only=self.read_only,
            max_examples=self.max_examples or (QUICK_EXAMPLES if self.quick else EXAMPLES),
            quick=self.quick,
            seed=self.seed,
            verify=_verify(self.insecure, self.ca),
        )
        options = _with_credentials(options)
        return options if self.api_version else replace(options, api_version=_reported(options))


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise UsageError(f"the URL came as {text!r}; expected the API's base URL, such as https://pacs.example/…/v1")
    return text.rstrip("/")


def _version(text: str | None) -> ApiVersion:
    known = {str(version): version for version in VERSIONS}
    if text is not None and text not in known:
        raise UsageError(f"the API version came as {text!r}; expected one of {', '.join(known)}")
    return known[text] if text else NEWEST


def _user(text: str | None) -> tuple[str | None, str | None]:
    if text is None:
        return None, None
    name, colon, password = text.partition(":")
    if not name or not colon or not password:
        raise UsageError("the user needs a name and a password with a colon between, such as --user dev:dev")
    return name, password


def _verify(insecure: bool, ca: Path | None) -> bool | str:
    if insecure and ca:
        raise UsageError("--insecure trusts every certificate, --ca one authority: give only one of them")
    if ca and not ca.is_file():
        raise UsageError(f"--ca {ca}: there is no such file")
    return str(ca) if ca else not insecure


def _with_credentials(options: Options) -> Options:
    """The well-known credentials of a fake-pacs on this machine, for those that weren't given."""
    given = {name: getattr(options, name) or None for name in FAKE_PACS}
    if None in given.values() and is_loopback(options.url) and _is_fake_pacs(options):
        whole = {name: given[name] or known for name, known in FAKE_PACS.items()}
        options = replace(
            options,
            token=whole["token"],
            user=whole["user"],
            password=whole["password"],
            control_token=whole["control_token"],
        )
    if not options.token:
        raise UsageError(f"the target needs a token: give --token, or set {TOKEN_VARIABLE} (nothing is printed of it)")
    return options


def is_loopback(url: str) -> bool:
    """Whether the URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_fake_pacs(options: Options) -> bool:
    try:
        return _asking(options).root("GET", "/_fake_pacs/live").status == 200
    except Failed:
        return False


def _reported(options: Options) -> ApiVersion:
    """The newest version that both the target and the contract know."""
    reported = reported_versions(_asking(options)).get("apiVersion")
    try:
        return effective(ApiVersion(str(reported)), NEWEST)
    except ValueError:
        return NEWEST


def _asking(options: Options) -> Target:
    holdings = told(options.app_id, options.slide_id, options.accession)
    return Target(options, Contract.of("ia-api", options.api_version), holdings)
