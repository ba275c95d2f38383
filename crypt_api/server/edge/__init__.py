"""The HTTP/1.1 edge: between the sockets and the application, and strict, so that no client takes it from the others.

Everything that a client can make grow has a cap, and everything that a client can delay has a deadline (`limits`).
A connection handles one request at a time. It reads no further while that request's successors wait.

    server      caps the connections, drops the overdue ones, stops without losing a request
    listening   the listening socket
    turns       which connection is handled next
    eviction    which connection is dropped when there is no room
    connection  one connection: what each event does in each phase
    phase       the phases of a connection
    peer        the other end: its address, and whether it has reset the connection
    head        the head of a request: RFC 9112, with nothing lenient
    framing     where a body ends: by its length, or by chunks
    body        the body of a request, on its way to the handler
    responses   the bytes of a response
"""
