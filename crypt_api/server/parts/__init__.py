"""Where the parts of files lie on a server."""
