"""Why a call of an app brought no answer, in words for whoever wrote the app."""

import ssl
from http.client import BadStatusLine, HTTPException, RemoteDisconnected

from fake_pacs.calling.addresses import Place
from fake_pacs.calling.values import TroubleKind
from ia_api_spec import shown


class Trouble(Exception):  # noqa: N818 - becomes a value before anybody sees it
    """What kept a call from being answered, in words."""


def kind_of(error: Exception) -> TroubleKind:
    """What sort of trouble that is."""
    return "too-slow" if isinstance(error, TimeoutError) else "unreachable"


def why(error: Exception, place: Place, deadline: float) -> str:
    """What kept the app at that place from answering, and what to do about it."""
    where = place.peer
    match error:
        case Trouble():
            return str(error)
        case TimeoutError():
            return f"no answer of {where} within {deadline:g} s"
        case ssl.SSLCertVerificationError():
            hint = "trust its authority with --app-ca FILE, or mend the certificate"
            return f"the certificate of {where} isn't trusted ({error.verify_message}): {hint}"
        case ssl.SSLError():
            return f"no TLS with {where} ({error.reason or error}): does it serve https?"
        case ConnectionRefusedError():
            return f"nothing listens at {where}: is the app running, and reachable from here?"
        case RemoteDisconnected():
            return f"{where} closed the connection without an answer"
        case BadStatusLine():
            return f"{where} doesn't speak HTTP: it said {shown(str(error)[:200])}"
        case ConnectionError():
            return f"{where} cut the connection before it answered"
        case HTTPException():
            return f"{where} sent no valid HTTP ({type(error).__name__}: {shown(str(error))})"
        case _:
            return f"{where} can't be reached: {error}"
