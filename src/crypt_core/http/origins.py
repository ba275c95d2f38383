"""Which site's page made a browser send a request, by the header `Origin`."""

from crypt_core.http.types import Request

_DEFAULT_PORTS = (":80", ":443")


def is_own_origin(request: Request, origin: str) -> bool:
    """Whether `origin` is this service's own, by the request's `Host`; `null` is not.

    The scheme is not compared, nor is its own port: a proxy may have ended TLS without saying so.
    """
    return _host_of(origin) == _host_of(request.headers.get("host", ""))


def _host_of(origin: str) -> str:
    """The host and port of an origin or of `Host`."""
    host = origin.rpartition("://")[2].lower()
    return next((host.removesuffix(port) for port in _DEFAULT_PORTS if host.endswith(port)), host)
