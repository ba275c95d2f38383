"""The phases of a connection.

A request takes its connection through the phases from HEAD to SKIP, and then it is HEAD again, for the next request:

    HEAD    ends when the whole head has arrived and is valid; then the handler starts
    ANSWER  ends when the handler has answered, and the response is written; or when it waits for the body
    BODY    ends when the whole body has arrived, and then it is ANSWER again; left out if the body came with the head
    STREAM  ends when the last piece of a body in pieces is written; left out if the body is whole
    FLUSH   ends when the system has taken the whole response
    SKIP    ends when the rest of the body has arrived; left out if there is no rest

A handler may answer without the body, whatever becomes of that: it may have taken a message. One that has begun to
take the body may answer before its end. Then FLUSH follows BODY.
After its last request, a connection goes from FLUSH to LINGER. A client whose bytes break a rule of HTTP, or exceed a
cap, is told so, and that was its last request.
"""

from enum import Enum, auto


class Phase(Enum):
    """What the connection waits for."""

    HEAD = auto()  # the client: its next request
    BODY = auto()  # the client: the rest of the body; and perhaps the handler
    ANSWER = auto()  # the handler
    STREAM = auto()  # the client: it takes a piece of the response; and perhaps the handler
    FLUSH = auto()  # the client: it takes the response
    SKIP = auto()  # the client: the rest of a body that nobody wants
    LINGER = auto()  # the client: it closes, after it got the last response
    CLOSED = auto()  # the system: it takes the last bytes, or forgets the connection
