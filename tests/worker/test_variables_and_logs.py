"""The Worker's variables, and what it writes into its log."""

from crypt_core.create_tokens import new_token
from tests.support import platforms
from tests.support.platforms import Platform


def test_a_variable_that_cannot_be_used_is_named_in_the_log() -> None:
    with platforms.worker("--var", "MAX_TTL:1") as worker, worker.client() as client:
        answer = client.get("/")
        assert (answer.status_code, answer.content) == (500, b'{"error": "Internal server error"}')
        assert answer.headers["access-control-allow-origin"] == "*"
        worker.process.wait_for("(MAX_TTL) must be")


def test_the_secret_list_of_tokens_says_who_may_send() -> None:
    token, line = new_token("otter")
    with platforms.worker("--var", f"CREATE_TOKENS:{line}") as worker, worker.client() as client:
        assert client.post("/", json={"message": "secret"}).status_code == 401
        answer = client.post("/", json={"message": "secret"}, headers={"Authorization": f"Bearer {token}"})
        assert client.get("/" + answer.json()["id"]).json() == {"message": "secret"}
        assert "data-needs-token" in client.get("/", headers={"Sec-Fetch-Mode": "navigate"}).text
        assert token not in worker.process.output


def test_a_secret_list_without_a_token_lets_nobody_send() -> None:
    with platforms.worker("--var", "CREATE_TOKENS:") as worker, worker.client() as client:
        assert client.post("/", json={"message": "secret"}).status_code == 401
        worker.process.wait_for("(CREATE_TOKENS has no token: nobody can create messages)")


def test_each_request_is_a_structured_line_in_the_log(worker: Platform) -> None:
    with worker.client() as client:
        client.delete("/zzzz9")
    worker.process.wait_for(r'(\{"method": "DELETE", "route": "/\{id\}", "status": 404\})')
    assert "zzzz9" not in worker.process.output
