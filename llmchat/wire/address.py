"""A server's address: what people type as a base URL, made one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmchat.errors import UsageError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

DEFAULT_URL = "http://localhost:1234"
"""Where LM Studio listens."""

_EXAMPLES = "It looks like http://localhost:1234, localhost:8080 or https://api.openai.com/v1."
_ENDPOINTS = ("/chat/completions", "/completions", "/models")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    `api` is the base of the API's paths and ends in `/v1` as a rule, `root` the same without that;
    neither ends in a slash. `port` is always known.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port: a key given for one origin is sent to no other."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = "" if self.port == _default_port(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{shown}"

    @property
    def api(self) -> str:
        return self.origin + self.path

    @property
    def root(self) -> str:
        return self.api.removesuffix("/v1")

    @property
    def local(self) -> bool:
        """Whether it is on this machine; 0.0.0.0, which servers print, is."""
        ip = _ip(self.host)
        return ip.is_loopback or ip.is_unspecified if ip else _is_localhost(self.host)

    @property
    def near(self) -> bool:
        """Whether it is on this machine or in a private network, where no proxy belongs between."""
        ip = _ip(self.host)
        if ip:
            return ip.is_private or ip.is_link_local
        return _is_localhost(self.host) or "." not in self.host or self.host.endswith(".local")

    def url(self, path: str) -> str:
        """The URL of `path`: below the API's base when it begins with `/v1/`, else below the root."""
        return self.api + path.removeprefix("/v1") if path.startswith("/v1/") else self.root + path

    def __str__(self) -> str:
        return self.root


def parse(text: str) -> Address:
    """The address that `text` means.

    Takes `host:port`, with or without scheme, `/v1`, a trailing slash, or the path of an endpoint;
    `/v1` is added when there is no path. Raises UsageError.
    """
    text = text.strip()
    has_scheme = "://" in text
    if "@" in text.split("://")[-1].partition("/")[0]:
        raise UsageError("A server address cannot carry a name or key.", "Put the key into LLMCHAT_API_KEY.")
    try:
        parts = urlsplit(text if has_scheme else f"//{text}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no server address: {error}.", _EXAMPLES) from error
    # `http:/host` would be a host by the name of http.
    bare_scheme = not has_scheme and host in ("http", "https")
    if not host or port == 0 or bare_scheme or any(c.isspace() or not c.isprintable() for c in text):
        raise UsageError(f"{text!r} is no server address.", _EXAMPLES)
    scheme = parts.scheme.lower() if has_scheme else _guess_scheme(host, port)
    if scheme not in ("http", "https"):
        raise UsageError(f"A server is reached by http or https, not {scheme!r}.", _EXAMPLES)
    return Address(scheme, host, port or _default_port(scheme), _base_path(parts.path))


def _base_path(path: str) -> str:
    path = "/" + "/".join(part for part in path.split("/") if part)
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return path.rstrip("/") or "/v1"


def _guess_scheme(host: str, port: int | None) -> str:
    """`https` for a public host, unless a port says that it is somebody's own server."""
    public = not Address("http", host, 80, "").near
    return "https" if port == 443 or (port is None and public) else "http"


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _ip(host: str) -> "IPv4Address | IPv6Address | None":
    import ipaddress  # not needed before the prompt is shown

    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
