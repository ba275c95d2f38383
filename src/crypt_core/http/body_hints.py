"""What is probably wrong with a body that is not JSON, for the person who wrote the request.

Shells, editors and HTTP libraries change bodies on their way. Most of these changes can be told from the first bytes.
"""

import re

BOM = "The body starts with a byte order mark (BOM). Send UTF-8 without it."
UTF_16 = "The body is UTF-16 or UTF-32. Send UTF-8."
COMPRESSED = "The body is compressed. Send it as it is."
MULTIPART = 'The body is a multipart form, as "curl -F" sends it. Send JSON: {"message": "hi"}'
FORM = 'Send JSON: {"message": "hi"}'
QUOTED = r'The quotes around the JSON were sent with it. On Windows write: -d "{\"message\": \"hi\"}"'
UNQUOTED = r'JSON has double quotes around names and texts. On Windows write: -d "{\"message\": \"hi\"}"'
NOT_UTF_8 = "The body is not UTF-8, but perhaps Latin-1 or Windows-1252. Send UTF-8."
LINE_BREAK = r"A line break in a JSON text is written as \n, and a tab as \t."

_SIGNS = (
    (rb"\xef\xbb\xbf", BOM),
    (rb"\xff\xfe|\xfe\xff|.?\x00", UTF_16),
    (rb"\x1f\x8b|\x28\xb5\x2f\xfd|\x78[\x01\x9c\xda]", COMPRESSED),  # gzip, zstd, zlib
    (rb"\s*--[^\r\n]+\r?\nContent-", MULTIPART),
    (rb"[A-Za-z_][\w.%+\[\]-]*=|%7B", FORM),
    (rb"['`]|\"\{|&quot;", QUOTED),
    (rb"\s*\{\s*(?:[A-Za-z_'\\]|\xe2\x80[\x98-\x9f]|&quot;)", UNQUOTED),  # also typographic quotes
)
_SIGNS_OF_KINDS = tuple((re.compile(sign, re.DOTALL | re.IGNORECASE), hint) for sign, hint in _SIGNS)


def hint_for(data: bytes) -> str:
    """Tell what is wrong with a body that is not JSON; empty if there is no sign of it."""
    for sign, hint in _SIGNS_OF_KINDS:
        if sign.match(data):
            return hint
    if data.rstrip().endswith(b"}="):  # JSON as the name of a form's field
        return FORM
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return NOT_UTF_8
    return LINE_BREAK if re.search(r"[\x00-\x1f]", _strings(text)) else ""


def _strings(text: str) -> str:
    """What is between double quotes."""
    return "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[1::2])
