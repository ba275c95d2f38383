"""The service on a machine of your own: the HTTP server, its stores, and what only a server has."""
