"""What is probably wrong with a body, for the person who wrote the request.

Shells, editors and HTTP libraries change bodies on their way. Most of these changes can be told from the first bytes.
"""

import re

from crypt_core.http.negotiation import is_for_terminal
from crypt_core.http.types import Request

BOM = "The body starts with a byte order mark (BOM). Send UTF-8 without it."
UTF_16 = "The body is UTF-16 or UTF-32. Send UTF-8."
COMPRESSED = "The body is compressed. Send it as it is."
MULTIPART = 'The body is a multipart form, as "curl -F" sends it. Send JSON: {"message": "hi"}'
FORM = 'Send JSON: {"message": "hi"}'
QUOTED = r'The quotes around the JSON were sent with it. On Windows write: -d "{\"message\": \"hi\"}"'
UNQUOTED = r'JSON has double quotes around names and texts. On Windows write: -d "{\"message\": \"hi\"}"'
NOT_UTF_8 = "The body is not UTF-8, but perhaps Latin-1 or Windows-1252. Send UTF-8."
LINE_BREAK = r"A line break in a JSON text is written as \n, and a tab as \t."
BACKSLASH = r"A backslash in a JSON text is written as \\."
INVISIBLE = "There is an invisible character or a no-break space between the parts of the JSON. Remove it."

_OTHER_QUOTES = rb"['\\`^]|\"\"\w|\xe2\x80[\x98-\x9f]|&(?:quot|#34);"  # of shells, of typography, of HTML
_LITERALS = rb"true|false|null|none|undefined|nan|infinity"
_SIGNS = (
    (rb"\s*(?:\xef\xbb\xbf|\xc3\xaf\xc2\xbb\xc2\xbf)", BOM),  # also one that was taken for Latin-1
    (rb"\xff\xfe|\xfe\xff|.?\x00", UTF_16),
    # gzip, zstd, zlib, bzip2, xz, zip
    (rb"\x1f\x8b|\x28\xb5\x2f\xfd|x[\x01\x5e\x9c\xda]|BZh|\xfd7zXZ|PK\x03\x04", COMPRESSED),
    (rb"\s*--[^\r\n]+\r?\nContent-", MULTIPART),
    (rb"[A-Za-z_][\w.%+\[\]-]*=|%7B", FORM),
    (rb"['`]|\"\{|&quot;|\$'|\xe2\x80[\x98-\x9f]", QUOTED),
    (rb"\s*\{\s*(?:\"\w+\"\s*:\s*)?(?:" + _OTHER_QUOTES + rb"|(?!" + _LITERALS + rb")[a-z_])", UNQUOTED),
)
_SIGNS_OF_KINDS = tuple((re.compile(sign, re.DOTALL | re.IGNORECASE), hint) for sign, hint in _SIGNS)


def text_hint(request: Request) -> str:
    """Tell how a text or a file is sent as it is; empty for a program: nobody would read it there."""
    return f"To send a text: curl -T - {request.origin}/ < notes.txt" if is_for_terminal(request.headers) else ""


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
    parts = text.replace("\\\\", "").replace('\\"', "").split('"')
    outside, strings = "".join(parts[::2]), "".join(parts[1::2])
    if re.search(r"[\t\n\r]", strings):
        return LINE_BREAK
    if re.search(r"\\[^/bfnrtu]", strings):
        return BACKSLASH
    return INVISIBLE if re.search(r"[^\S \t\n\r]|[\u200b-\u200f\u2060-\u2064\ufeff]", outside) else ""
