"""Where a server's messages lie."""
