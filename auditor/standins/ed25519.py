"""Ed25519 (RFC 8032 section 5.1.7): verification alone, of public things.

Accepts what libsodium accepts: S below the order of the base point, a key in its one encoding, and
neither key nor R of small order. Not in constant time, which only secrets would need.
"""

from hashlib import sha512

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1

_Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z."""

_NEUTRAL: _Point = (0, 1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the signature of the message by the key's owner."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key = _decode(public_key)
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if key is None or s >= _ORDER or _has_small_order(key):
        return False
    digest = sha512(r + public_key + message).digest()
    h = int.from_bytes(digest, "little") % _ORDER
    found = _sum_of_products(s, _BASE, h, _negative(key))
    return _encode(found) == r and not _has_small_order(found)


def _add(p: _Point, q: _Point) -> _Point:
    """Complete addition, also of a point to itself."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _negative(p: _Point) -> _Point:
    return -p[0] % _P, p[1], p[2], -p[3] % _P


def _sum_of_products(s: int, p: _Point, h: int, q: _Point) -> _Point:
    """[s]P + [h]Q, both multiplied in one pass from the highest bit."""
    steps = (_NEUTRAL, p, q, _add(p, q))
    total = _NEUTRAL
    for bit in reversed(range(max(s.bit_length(), h.bit_length()))):
        total = _add(total, total)
        which = (s >> bit & 1) | (h >> bit & 1) << 1
        if which:
            total = _add(total, steps[which])
    return total


def _has_small_order(p: _Point) -> bool:
    for _ in range(3):
        p = _add(p, p)
    return p[0] % _P == 0 and (p[1] - p[2]) % _P == 0


def _encode(p: _Point) -> bytes:
    inverse = pow(p[2], _P - 2, _P)
    x, y = p[0] * inverse % _P, p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(data: bytes) -> _Point | None:
    """The point in its one encoding, or None (RFC 8032 section 5.1.3)."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    x = _recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


def _recover_x(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return x if x & 1 == sign else _P - x


def _base() -> _Point:
    y = 4 * pow(5, _P - 2, _P) % _P
    x = _recover_x(y, 0)
    assert x is not None, "RFC 8032 says so"
    return x, y, 1, x * y % _P


_BASE = _base()
