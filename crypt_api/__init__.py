"""crypt-api outside of the Worker: the server, its stores and the command line."""
