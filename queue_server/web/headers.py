"""The headers of each kind of answer, made once."""

from multidict import CIMultiDict, CIMultiDictProxy

_COMMON = {
    # In place of the default, which names the versions of the interpreter and the library.
    "Server": "queue-server",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'self'"
)


def _fixed(**more: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(_COMMON | {name.replace("_", "-"): value for name, value in more.items()}))


API_HEADERS = _fixed(Cache_Control="no-store")
JSON_HEADERS = _fixed(Cache_Control="no-store", Content_Type="application/json")
REPLAYED_HEADERS = _fixed(Cache_Control="no-store", Content_Type="application/json", Idempotent_Replayed="true")
METRICS_HEADERS = _fixed(Cache_Control="no-store", Content_Type="text/plain; version=0.0.4; charset=utf-8")
PAGE_HEADERS = _fixed(Content_Security_Policy=POLICY)
