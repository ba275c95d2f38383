"""Plain messages as an HTTP client makes them."""

import httpx


def create(url: str, message: str = "secret") -> str:
    """Send a plain message to the service at `url`; return the message's id."""
    answer = httpx.post(url, json={"message": message})
    assert answer.status_code == 200, answer.text
    message_id: str = answer.json()["id"]
    return message_id


def create_path(client: httpx.Client, message: str = "secret") -> str:
    """Send a plain message; return the message's path."""
    return "/" + str(client.post("/", json={"message": message}).json()["id"])
