"""Base URLs as this client uses them."""

from urllib.parse import urlsplit


def base_url(url: str, allow_http: bool) -> str:
    """The base URL without a trailing slash; without a scheme, or with `http:` where that isn't allowed, it is
    `https:`.

    Raises `ValueError` for what is no base URL: another scheme, no host, a user, a query or a fragment.
    """
    if not isinstance(url, str):  # None, say, from an environment without it
        raise ValueError(f"the base URL is {url!r}: expected https://HOST/PATH")
    given = url.strip()
    parts = urlsplit(given if "://" in given else f"https://{given}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the base URL has the scheme {parts.scheme!r}: expected https (or http, where it is allowed)")
    if not parts.hostname:
        raise ValueError("the base URL names no host: expected https://HOST/PATH")
    if "@" in parts.netloc:
        raise ValueError("the base URL has a user in it: use SectraClient.from_credentials")
    if parts.query or parts.fragment:
        raise ValueError("the base URL has a query or a fragment: expected https://HOST/PATH")
    scheme = parts.scheme if allow_http else "https"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"
