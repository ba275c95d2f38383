"""The service: what may happen to a message, and how HTTP asks for it.

Pure Python without dependencies. Nothing in here knows a runtime, a database or a web framework;
`crypt_worker` (Cloudflare) and `crypt_api` (your own server) bring those.
"""

__version__ = "0.1.0"
