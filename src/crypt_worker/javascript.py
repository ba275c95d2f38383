"""What the Worker uses of the JavaScript around it. `entry` hands it in, so that no module needs the runtime to load.

Each step between Python and JavaScript costs as much processor time as many lines of Python. So headers cross as one
JSON text, buffers are not copied into Python, and the SDK, which wraps each part of a request, is bypassed.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


class JavaScript(NamedTuple):
    """The functions and objects of the runtime.

    Attributes:
        to_js: Makes JavaScript's value of Python's (`pyodide.ffi.to_js`).
        from_entries: `Object.fromEntries`.
        stringify: `JSON.stringify`.
        parse: `JSON.parse`.
        new_response: `Response`, as a constructor.
        log: `console.log`.
        subtle: `crypto.subtle`.
    """

    to_js: Callable[..., Any]
    from_entries: Callable[..., Any]
    stringify: Callable[[Any], str]
    parse: Callable[[str], Any]
    new_response: Callable[..., Any]
    log: Callable[[str], object]
    subtle: Any

    def read_entries(self, entries: Any) -> dict[str, str]:
        """Python's dict of the runtime's headers."""
        read: dict[str, str] = json.loads(self.stringify(self.from_entries(entries)))
        return read

    def to_object(self, value: object) -> Any:
        """JavaScript's object of what can be written as JSON."""
        return self.parse(json.dumps(value))
