"""The Python client of the service. Everything that its users need can be imported from here, and from `crypt_api`."""

from crypt_api.client import errors
from crypt_api.client.async_client import AsyncClient
from crypt_api.client.attachments import Attachment
from crypt_api.client.client import Client
from crypt_api.client.messages import AsyncFile, AsyncMessage, File, Message
from crypt_api.client.receipts import Asked, Question, Receipt, Sent

__all__ = [
    "Asked",
    "AsyncClient",
    "AsyncFile",
    "AsyncMessage",
    "Attachment",
    "Client",
    "File",
    "Message",
    "Question",
    "Receipt",
    "Sent",
    "errors",
]
