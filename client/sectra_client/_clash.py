"""The community package `sectra-image-analysis-api` installs into this very folder: whoever installs last wins,
silently.
"""

import warnings
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

OTHER = "sectra-image-analysis-api"
ADVICE = (
    "The package sectra-image-analysis-api is, or was, installed beside ia-api-kit, and both own the folder "
    "sectra_client: files of one overwrite those of the other, and uninstalling one deletes the other's. Run: "
    "pip uninstall sectra-image-analysis-api, then: pip install --force-reinstall --no-deps ia-api-kit"
)
SHADOWED = (
    "The package sectra-image-analysis-api is installed in {place}, and ia-api-kit is used from {ours}: both are "
    "imported as sectra_client, and which of them it is depends on the order of sys.path. Run: "
    "pip uninstall sectra-image-analysis-api"
)


class ClashWarning(UserWarning):
    """Another package owns the same folder."""


def clashing(site: Path) -> bool:
    """Whether the community package is installed in that folder of packages."""
    return next(site.glob("sectra_image_analysis_api-*.dist-info"), None) is not None


def installed_elsewhere(ours: Path) -> Path | None:
    """Where on the path the community package is installed, if it isn't in our own folder of packages."""
    try:
        place = Path(str(distribution(OTHER).locate_file("")))
    except PackageNotFoundError:
        return None
    return None if place.resolve() == ours.resolve() else place


def warn_of_clash() -> None:
    """Warns where the community package is installed into the folder that this package is in, or where both can be
    imported, such as this one from a checkout.
    """
    ours = Path(__file__).parents[1]
    if clashing(ours):
        warnings.warn(ADVICE, ClashWarning, stacklevel=3)
    elif place := installed_elsewhere(ours):
        warnings.warn(SHADOWED.format(place=place, ours=ours), ClashWarning, stacklevel=3)


def require_own_package() -> None:
    """Raises `ImportError` where the files of `sectra_client` aren't ours: the community package was installed over
    them.
    """
    import sectra_client

    if getattr(sectra_client, "DISTRIBUTION", None) != "ia-api-kit":
        raise ImportError(ADVICE)
