"""The client library for IA-API: what a vendor's production app imports."""

from sectra_client._clash import ClashWarning
from sectra_client._clash import warn_of_clash as _warn_of_clash
from sectra_client.client import SectraClient
from sectra_client.retries import RetryPolicy
from sectra_client.utils.errors import (
    SectraConflictError,
    SectraConnectionError,
    SectraError,
    SectraForbiddenError,
    SectraInvalidRequestError,
    SectraInvocationError,
    SectraNoLabelError,
    SectraNotFoundError,
    SectraRedirectError,
    SectraRequestError,
    SectraServerError,
    SectraTimeoutError,
    SectraTruncatedDownloadError,
    SectraUnauthorisedError,
    SectraUnavailableError,
    SectraUncertainWriteError,
    SectraUnreadableAnswerError,
    SectraVersionError,
)

DISTRIBUTION = "ia-api-kit"
"""The package on the index that these files are from."""

get_launch_data = SectraClient.get_launch_data

_warn_of_clash()

__all__ = [
    "DISTRIBUTION",
    "ClashWarning",
    "RetryPolicy",
    "SectraClient",
    "SectraConflictError",
    "SectraConnectionError",
    "SectraError",
    "SectraForbiddenError",
    "SectraInvalidRequestError",
    "SectraInvocationError",
    "SectraNoLabelError",
    "SectraNotFoundError",
    "SectraRedirectError",
    "SectraRequestError",
    "SectraServerError",
    "SectraTimeoutError",
    "SectraTruncatedDownloadError",
    "SectraUnauthorisedError",
    "SectraUnavailableError",
    "SectraUncertainWriteError",
    "SectraUnreadableAnswerError",
    "SectraVersionError",
    "get_launch_data",
]
