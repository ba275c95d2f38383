"""The Python client of the service. `from crypt_api import Client` is the way in."""
