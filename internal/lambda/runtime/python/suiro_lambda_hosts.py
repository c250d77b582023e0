"""Connections to AWS host names that Suiro stands for go to Suiro, whatever
library makes them: what hosts.js does for Node.js. TLS stays end to end, as
the front's certificate names the host. Loaded with the function's first import
of socket, ssl or certifi, so that a function without sockets pays nothing."""

import errno
import sys

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")

_ports = {}  # host name or "*" or "!": the port that stands for it
_names = {}  # address handed out for a name: the port that stands for it


def take(text):
    """Reads SUIRO_HOSTS: name=port,… ("*": AWS's other names, "!": nothing
    may leave this machine)."""
    for pair in text.split(","):
        name, _, port = pair.partition("=")
        _ports[name] = int(port)


def _text(host):
    if isinstance(host, (bytes, bytearray)):
        return bytes(host).decode("ascii", "replace")
    return host


def _with_port(host):
    """On AWS an event's domainName is a host name; here it carries a port."""
    if isinstance(host, str):
        name, colon, port = host.partition(":")
        if colon and port.isdigit() and name in ("localhost", "127.0.0.1"):
            return name, int(port)
    return None


def _near(name):
    return (
        name == "localhost" or name.endswith(".localhost") or name.startswith("127.")
        or name in ("", "::1", "::", "0.0.0.0") or not ("." in name or ":" in name)
    )


def where(host):
    """The port that stands for a host, 0 for one that is refused, None for one
    that is left alone."""
    host = _text(host)
    if not isinstance(host, str):
        return None
    name = host.lower()
    if name in _names:
        return _names[name]
    local = _with_port(name)
    if local:
        return local[1]
    if name in _ports:
        return _ports[name]
    if "*" in _ports and name.endswith(_AMAZON):
        return _ports["*"]
    return 0 if "!" in _ports and not _near(name) else None


def _refuse(host):
    host = _text(host)
    sys.stderr.write("suiro: the app calls %s, which is not on this machine (aws: local)\n" % host)
    return ConnectionRefusedError(errno.ECONNREFUSED, "%s is not on this machine (Suiro: aws: local)" % host)


def _resolved(host):
    """What to resolve for a host: for one that is led here an address that
    stands for it alone, since some libraries take the port from elsewhere
    than from the answer. Nobody listens there; connect knows it."""
    port = where(host)
    if port is None:
        return host
    if port == 0:
        raise _refuse(host)
    for address, known in _names.items():
        if known == port:
            return address
    address = "127.83.%d.%d" % divmod(len(_names) + 1, 256)
    _names[address] = port
    return address


def on_socket(module):
    """Hooks the module socket."""

    def by_name(function):
        def resolve(host, *rest, **options):
            return function(_resolved(host), *rest, **options)

        return resolve

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(module, name, by_name(getattr(module, name)))

    def led(sock, address):
        if sock.family not in (module.AF_INET, module.AF_INET6) or not isinstance(address, tuple) or not address:
            return address
        port = where(address[0])
        if port is None:
            return address
        if port == 0:
            raise _refuse(address[0])
        return ("::1" if sock.family == module.AF_INET6 else "127.0.0.1", port)

    connect, connect_ex = module.socket.connect, module.socket.connect_ex

    def hooked_connect(self, address):
        return connect(self, led(self, address))

    def hooked_connect_ex(self, address):
        try:
            return connect_ex(self, led(self, address))
        except ConnectionRefusedError as error:
            return error.errno

    module.socket.connect, module.socket.connect_ex = hooked_connect, hooked_connect_ex


def on_http_client(module):
    """Hooks the module http.client, which takes a host with a port for an IPv6
    address when it is given another port as well."""
    init = module.HTTPConnection.__init__

    def hooked_init(self, host, port=None, *rest, **options):
        host, port = _with_port(host) or (host, port)
        init(self, host, port, *rest, **options)

    module.HTTPConnection.__init__ = hooked_init


def on_certifi(module, bundle):
    """Hooks certifi.core: libraries that look at no variable (requests and
    httpx with trust_env off) take the authorities to trust from there."""
    def contents():
        with open(bundle, encoding="ascii", errors="replace") as file:
            return file.read()

    for holder in (module, sys.modules.get("certifi", module)):  # both, where a site hook imported it
        holder.where, holder.contents = lambda: bundle, contents
