"""The service over HTTP: from a request's bytes to a command for the store, and from its outcome to a response.

`app` is the way of every request. No module here knows a server, a socket or Cloudflare's runtime.
"""
