# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The per-request path: what runs for every request before its handler.

All small-string work on data of a client's choosing, hence in C: cleaning and matching of paths, the rules of a tenant id, forms.
Behaviour follows Go's `net/url`, gorilla/mux as Cortex sets it up, and Cortex's `pkg/util/users`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr

cdef str MISSING_ORG_ID = "no org id"
cdef Py_ssize_t MAX_TENANT_ID_BYTES = 150
cdef Py_ssize_t MAX_FORM_PARAMETERS = 10000


# ---------------------------------------------------------------- tenant ids

cdef inline bint _is_tenant_char(Py_UCS4 c) noexcept:
    return (u"a" <= c <= u"z" or u"A" <= c <= u"Z" or u"0" <= c <= u"9" or c == u"-" or c == u"_" or c == u"."
            or c == u"!" or c == u"*" or c == u"'" or c == u"(" or c == u")")


def tenant_error(str org_id):
    cdef Py_UCS4 c
    cdef Py_ssize_t length = len(org_id)
    if length == 0:
        return MISSING_ORG_ID
    for c in org_id:
        if not _is_tenant_char(c):
            # Go prints the byte at the rune's position, not the rune.
            if c > 127:
                c = (<str>c).encode("utf-8", "replace")[0]
            return f"tenant ID '{org_id}' contains unsupported character '{c}'"
    if length > MAX_TENANT_ID_BYTES:
        return "tenant ID is too long: max 150 characters"
    if length == 1 or length == 2:
        if org_id == "." or org_id == "..":
            return "tenant ID is '.' or '..'"
    elif org_id == "__markers__":
        return "tenant ID '__markers__' is not allowed"
    elif org_id == "user-index.json.gz":
        return "tenant ID 'user-index.json.gz' is not allowed"
    return None


# ---------------------------------------------------------------- percent encoding and forms

cdef inline int _unhex(unsigned char c) noexcept:
    if c"0" <= c <= c"9":
        return c - c"0"
    if c"a" <= c <= c"f":
        return c - c"a" + 10
    if c"A" <= c <= c"F":
        return c - c"A" + 10
    return -1


cdef object _unescape(const unsigned char *text, Py_ssize_t size, bint plus_is_space):
    """The decoded string; a bytes object with the faulty escape (at most three bytes) when there is one."""
    cdef Py_ssize_t i = 0, out = 0
    cdef int high, low
    cdef bint plain = True
    for i in range(size):
        if text[i] == c"%" or (plus_is_space and text[i] == c"+"):
            plain = False
            break
    if plain:
        return (<const char *>text)[:size].decode("utf-8", "replace")
    cdef bytes buffer = PyBytes_FromStringAndSize(NULL, size)
    cdef unsigned char *target = <unsigned char *>PyBytes_AS_STRING(buffer)
    i = 0
    while i < size:
        if text[i] == c"%":
            high = _unhex(text[i + 1]) if i + 2 < size else -1
            low = _unhex(text[i + 2]) if i + 2 < size else -1
            if high < 0 or low < 0:
                return PyBytes_FromStringAndSize(<const char *>text + i, min(3, size - i))
            target[out] = <unsigned char>(high << 4 | low)
            i += 3
        else:
            target[out] = c" " if plus_is_space and text[i] == c"+" else text[i]
            i += 1
        out += 1
    return (<const char *>target)[:out].decode("utf-8", "replace")


cdef str _escape_error(bytes fault):
    return 'invalid URL escape "%s"' % fault.decode("utf-8", "replace")


def unescape_path(str text):
    cdef bytes raw = text.encode("utf-8", "replace")
    result = _unescape(<const unsigned char *>PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), False)
    if type(result) is bytes:
        raise ValueError(_escape_error(result))
    return result


def parse_form(encoded):
    cdef bytes raw = encoded if type(encoded) is bytes else (<str?>encoded).encode("utf-8", "replace")
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(raw)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(raw), start = 0, end, middle, value_start
    cdef const void *hit
    cdef dict values = {}
    cdef object error = None, name, value
    cdef list known
    if raw.count(b"&") >= MAX_FORM_PARAMETERS:
        return values, "number of URL query parameters exceeded limit"
    while start < size:
        hit = memchr(text + start, c"&", size - start)
        end = size if hit is NULL else <const unsigned char *>hit - text
        if end == start:
            start = end + 1
            continue
        if memchr(text + start, c";", end - start) is not NULL:
            error = "invalid semicolon separator in query"
            start = end + 1
            continue
        hit = memchr(text + start, c"=", end - start)
        middle = end if hit is NULL else <const unsigned char *>hit - text
        value_start = end if hit is NULL else middle + 1
        name = _unescape(text + start, middle - start, True)
        value = _unescape(text + value_start, end - value_start, True) if type(name) is str else None
        start = end + 1
        if type(name) is bytes or type(value) is bytes:
            if error is None:
                error = _escape_error(name if type(name) is bytes else value)
            continue
        known = values.get(name)
        if known is None:
            values[name] = [value]
        else:
            known.append(value)
    return values, error


def is_form_content_type(str content_type):
    cdef Py_ssize_t end = content_type.find(";")
    if end >= 0:
        content_type = content_type[:end]
    return content_type.strip().lower() == "application/x-www-form-urlencoded"


def content_length(bytes value):
    """The declared length; -1 when it is not a plain decimal number or beyond 2**62."""
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(value)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(value), i
    cdef long long total = 0
    if size == 0 or size > 18:
        return -1
    for i in range(size):
        if not c"0" <= text[i] <= c"9":
            return -1
        total = total * 10 + (text[i] - c"0")
    return total


def scan_headers(list pairs):
    cdef object name, value
    cdef object declared = 0, org_id = None, origin = None, encoding = None
    cdef bint chunked = False
    cdef int expects = 0, hosts = 0
    cdef Py_ssize_t size
    for name, value in pairs:
        # The length of a name tells the few that matter from nearly all others.
        size = PyBytes_GET_SIZE(<bytes>name)
        if size == 4:
            hosts += name == b"host"
        elif size == 14 and name == b"content-length":
            declared = content_length(value)
        elif size == 13 and name == b"x-scope-orgid" and org_id is None:
            org_id = value
        elif size == 17 and name == b"transfer-encoding":
            chunked = True
        elif size == 6:
            if name == b"expect":
                expects = 1 if (<bytes>value).lower() == b"100-continue" else -1
            elif name == b"origin":
                origin = value
        elif size == 15 and name == b"accept-encoding":
            encoding = value
    if chunked:
        declared = None
    return declared, expects, org_id, origin, encoding, hosts


def decode_header(bytes value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


# ---------------------------------------------------------------- paths

cdef bint _is_clean(str path) noexcept:
    """Whether `clean_path` would return `path` itself."""
    cdef Py_ssize_t size = len(path), i, dots
    if size == 0 or path[0] != u"/":
        return False
    i = 0
    while i < size:
        if path[i] == u"/":
            if i + 1 < size and path[i + 1] == u"/":
                return False
            dots = 0
            while i + 1 + dots < size and dots < 3 and path[i + 1 + dots] == u".":
                dots += 1
            if (dots == 1 or dots == 2) and (i + 1 + dots == size or path[i + 1 + dots] == u"/"):
                return False
        i += 1
    return True


def clean_path(str path):
    cdef list kept = []
    cdef str segment
    if _is_clean(path):
        return path
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    cdef str cleaned = "/" + "/".join(kept)
    # gorilla/mux puts a final slash back that path.Clean took away, but knows nothing of a final dot segment.
    if path.endswith("/") and cleaned != "/":
        cleaned += "/"
    return cleaned


cdef class Pattern:
    """A route whose path has `{name}` segments."""

    cdef list segments
    cdef list names
    cdef object methods
    cdef object route
    cdef Py_ssize_t count

    def __init__(self, str pattern, methods, route):
        cdef str segment
        self.segments = []
        self.names = []
        for segment in pattern.split("/"):
            if segment.startswith("{") and segment.endswith("}"):
                self.segments.append(None)
                self.names.append(segment[1 : len(segment) - 1])
            else:
                self.segments.append(segment)
                self.names.append(None)
        self.count = len(self.segments)
        self.methods = methods
        self.route = route

    cdef dict match(self, list parts):
        cdef Py_ssize_t i
        cdef dict params = {}
        if len(parts) != self.count:
            return None
        for i in range(self.count):
            if self.segments[i] is None:
                if not parts[i]:
                    return None
                params[self.names[i]] = parts[i]
            elif self.segments[i] != parts[i]:
                return None
        return params


cdef class PathTable:
    """Routes by undecoded, clean path. Filled while modules start, read on every request."""

    cdef dict exact
    cdef list patterns
    cdef list prefixes

    def __init__(self):
        self.exact = {}
        self.patterns = []
        self.prefixes = []

    def add(self, str pattern, tuple methods, bint prefix, route):
        cdef dict by_method
        if prefix:
            self.prefixes.append((pattern, methods, route))
        elif "{" in pattern:
            self.patterns.append(Pattern(pattern, methods, route))
        else:
            by_method = self.exact.setdefault(pattern, {})
            for method in methods or (None,):
                by_method.setdefault(method, route)

    def match(self, str method, str path):
        cdef dict by_method, params
        cdef bint known = False
        cdef list parts
        cdef Pattern pattern
        cdef object route
        by_method = self.exact.get(path)
        if by_method is not None:
            route = by_method.get(method)
            if route is None:
                route = by_method.get(None)
            if route is not None:
                return route, None
            known = True
        if self.patterns:
            parts = path.split("/")
            for pattern in self.patterns:
                params = pattern.match(parts)
                if params is not None:
                    if not pattern.methods or method in <tuple>pattern.methods:
                        return pattern.route, params
                    known = True
        for start, methods, route in self.prefixes:
            if path.startswith(<str>start):
                if not methods or method in <tuple>methods:
                    return route, None
                known = True
        return None, known
