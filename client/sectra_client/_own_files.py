"""Importing this raises `ImportError`, with advice, where the community package was installed over `sectra_client`.

Modules that only this package has import it first: else they would fail over some name that the other package lacks.
"""

from sectra_client._clash import require_own_package

require_own_package()
