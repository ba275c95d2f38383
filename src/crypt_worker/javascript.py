"""What the Worker uses of the JavaScript around it. `entry` hands it in, so that no module needs the runtime to load.

Each step between Python and JavaScript costs as much processor time as many lines of Python. So requests, responses and
buffers cross as a whole, and not through the SDK, which wraps each part of them.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class JavaScript(NamedTuple):
    """The functions and objects of the runtime.

    Attributes:
        to_js: Makes JavaScript's value of Python's (`pyodide.ffi.to_js`).
        from_entries: `Object.fromEntries`.
        new_response: `Response`, as a constructor.
        log: `console.log`.
        subtle: `crypto.subtle`.
    """

    to_js: Callable[..., Any]
    from_entries: Callable[..., Any]
    new_response: Callable[..., Any]
    log: Callable[[str], object]
    subtle: Any

    def to_object(self, values: Mapping[str, Any]) -> Any:
        """A JavaScript object with these properties."""
        return self.to_js(values, dict_converter=self.from_entries)
