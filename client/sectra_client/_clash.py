"""The community package `sectra-image-analysis-api` installs into this very folder: whoever installs last wins,
silently.
"""

import warnings
from pathlib import Path

ADVICE = (
    "The package sectra-image-analysis-api is, or was, installed beside ia-api-kit, and both own the folder "
    "sectra_client: files of one overwrite those of the other, and uninstalling one deletes the other's. Run: "
    "pip uninstall sectra-image-analysis-api, then: pip install --force-reinstall --no-deps ia-api-kit"
)


class ClashWarning(UserWarning):
    """Another package owns the same folder."""


def clashing(site: Path) -> bool:
    """Whether the community package is installed in that folder of packages."""
    return next(site.glob("sectra_image_analysis_api-*.dist-info"), None) is not None


def warn_of_clash() -> None:
    """Warns where the community package is installed into the folder that this package is in."""
    if clashing(Path(__file__).parents[1]):
        warnings.warn(ADVICE, ClashWarning, stacklevel=3)


def require_own_package() -> None:
    """Raises `ImportError` where the files of `sectra_client` aren't ours: the community package was installed over
    them.
    """
    import sectra_client

    if getattr(sectra_client, "DISTRIBUTION", None) != "ia-api-kit":
        raise ImportError(ADVICE)
