"""`deploy/` names flags, metrics and addresses that exist, and keeps what `docs/operations.md` promises of it."""

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Metric

from crypt_api.cli.serve import serve
from crypt_api.server.edge.limits import (
    BODY_TIMEOUTS,
    DEFAULT_IDLE_TIMEOUT,
    DEFAULT_MAX_CONNECTIONS,
    GRACE_SECONDS,
    SPARE_DESCRIPTORS,
)
from crypt_api.server.metrics import Metrics
from crypt_api.server.parts.memory import MemoryPartStore
from crypt_api.server.parts.object_store_url import parse_url
from crypt_api.server.stores.reporting import Usage
from crypt_core.parts import MAX_PART_BYTES
from tests.support.platforms import ROOT
from tests.support.s3 import CREDENTIALS

DEPLOY = ROOT / "deploy"
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
PAGES = [ROOT / "docs/operations.md", DEPLOY / "README.md"]
FLAGS = {str(option.name) for option in serve.params}
COMPOSE_FILES = ["compose.yaml", "compose.single.yaml"]
UNITS = ["systemd/crypt-api.service", "systemd/crypt-api@.service"]


def text(name: str) -> str:
    return (DEPLOY / name).read_text()


def compose(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(text(name))
    return document


def kubernetes(kind: str) -> dict[str, Any]:
    documents = yaml.safe_load_all(text("kubernetes/crypt-api.yaml"))
    return next(document for document in documents if document["kind"] == kind)


def lines(name: str) -> dict[str, str]:
    """A file of settings, by name; the last one counts."""
    pairs = (line.partition("#")[0].strip().partition("=") for line in text(name).splitlines())
    return {key: value for key, separator, value in pairs if separator}


@pytest.mark.parametrize("path", FILES + PAGES, ids=lambda path: path.name)
def test_every_variable_and_flag_that_it_names_exists(path: Path) -> None:
    content = path.read_text()
    variables = set(re.findall(r"\bCRYPT_API_([A-Z_]+)\b", content))
    assert {name.lower() for name in variables} <= FLAGS
    if path.suffix in {".md", ".conf", ""} or path.parent.name == "systemd":
        ours = re.findall(r"(?:serve|`|\(|server's) ?--([a-z-]+)", content)
        assert {name.replace("-", "_") for name in ours} <= FLAGS | {"no_access_log", "help"}


# What is counted


def families() -> dict[str, Metric]:
    metrics = Metrics()
    metrics.answered("GET", "/{id}", 404, 0.001)
    metrics.watch(Usage)
    metrics.watch_files(MemoryPartStore())
    metrics.watch_webhook(int)
    return {family.name: family for family in metrics.registry.collect()}


def samples() -> dict[str, set[str]]:
    """Each series that a server can have, and the names of its labels."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
    labels = {"crypt_api_requests": {"method", "route", "status"}, "crypt_api_request_seconds": {"route", "le"}}
    labels |= {"crypt_api_store_seconds": {"command", "le"}, "crypt_api_messages": {"event"}}
    labels |= {"crypt_api_webhook_events": {"result"}}
    return {
        family.name + suffix: labels.get(family.name, set()) | {"job", "instance"}
        for family in families().values()
        for suffix in suffixes[family.type]
    }


def expressions() -> list[str]:
    rules = yaml.safe_load(text("prometheus/alerts.yml"))["groups"][0]["rules"]
    panels = json.loads(text("grafana/crypt-api.json"))["panels"]
    targets = chain.from_iterable(panel["targets"] for panel in panels)
    return [rule["expr"] for rule in rules] + [target["expr"] for target in targets]


def selectors(expression: Any) -> list[promql_parser.VectorSelector]:
    """Every selector of a series in a parsed expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        return [expression]
    parts = [getattr(expression, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "vs")]
    parts += list(getattr(expression, "args", None) or [])
    return [selector for part in parts if part is not None for selector in selectors(part)]


@pytest.mark.parametrize("expression", expressions())
def test_every_series_that_an_expression_asks_for_exists(expression: str) -> None:
    known = samples() | {"up": {"job", "instance"}}
    found = selectors(promql_parser.parse(expression.replace("$__rate_interval", "5m")))
    assert found
    for selector in found:
        assert selector.name in known
        matchers = {(matcher.name, matcher.value) for matcher in selector.matchers.matchers}
        assert {name for name, _ in matchers} <= known[str(selector.name)]
        events = {sample.labels["event"] for sample in families()["crypt_api_messages"].samples}
        assert {part for name, value in matchers if name == "event" for part in value.split("|")} <= events


@pytest.mark.parametrize("path", [*FILES, *PAGES, ROOT / "docs/guessing.md"], ids=lambda path: path.name)
def test_every_metric_that_is_named_exists(path: Path) -> None:
    kinds = "requests?|store|messages|storage|files|damaged|webhook"
    named = set(re.findall(rf"\b(crypt_api_(?:{kinds})_?[a-z_]*)\b", path.read_text()))
    assert named <= set(samples()) | set(families()), path


def test_every_alert_has_its_place_in_the_operators_page() -> None:
    page = PAGES[0].read_text()
    alerts = re.findall(r"alert: (\w+)", text("prometheus/alerts.yml"))
    assert len(alerts) >= 6
    for alert in alerts:
        assert f"`{alert}`" in page
        assert f"alertname: {alert}" in text("prometheus/alerts.test.yml")


# Who reaches what


@pytest.mark.parametrize("name", ["caddy/Caddyfile", "nginx/crypt-api.conf"])
def test_no_proxy_hands_out_metrics(name: str) -> None:
    assert re.search(r"^\s*(?:@metrics path|location) /-/metrics\b", text(name), re.MULTILINE)


def test_the_gateway_takes_away_the_headers_that_the_proxies_take_away() -> None:
    [example] = re.findall(
        r"^(#   apiVersion: gateway.*\n(?:#   .*\n)+)", text("kubernetes/crypt-api.yaml"), re.MULTILINE
    )
    route = yaml.safe_load(re.sub(r"^#   ", "", example, flags=re.MULTILINE))
    removed = route["spec"]["rules"][0]["filters"][0]["requestHeaderModifier"]["remove"]
    assert removed == re.findall(r"request_header -(\S+)", text("caddy/Caddyfile"))
    assert {*removed} < {*re.findall(r'proxy_set_header (\S+) "";', text("nginx/crypt-api.conf"))}


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_only_the_proxy_is_reached_from_outside(name: str) -> None:
    services = compose(name)["services"]
    assert [service for service, definition in services.items() if "ports" in definition] == ["caddy"]
    servers = [service for service in services if service.startswith("server")]
    assert services["caddy"]["environment"]["UPSTREAMS"].split() == [f"{server}:8787" for server in servers]


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_the_servers_believe_the_network_that_they_share_with_the_proxy(name: str) -> None:
    document = compose(name)
    [server, *_] = [definition for key, definition in document["services"].items() if key.startswith("server")]
    network = server.get("networks", ["default"])[0]
    assert network in document["services"]["caddy"].get("networks", ["default"])
    [subnet] = document["networks"][network]["ipam"]["config"]
    assert server["environment"]["CRYPT_API_TRUSTED_PROXIES"] == subnet["subnet"]


def test_the_engine_is_reached_by_the_servers_alone() -> None:
    document = compose("compose.yaml")
    assert document["networks"]["engine"]["internal"]
    members = [name for name, service in document["services"].items() if "engine" in service["networks"]]
    assert members == ["server-1", "server-2", "valkey-a", "valkey-b", "valkey-rewrite"]
    assert document["services"]["valkey-a"]["networks"] == ["engine"]


def test_both_servers_get_the_bucket_and_its_credentials_from_the_operators_file() -> None:
    environment = compose("compose.yaml")["services"]["server-1"]["environment"]
    for name in ("CRYPT_API_FILES", *CREDENTIALS):
        assert name not in environment  # as it is in `deploy/.env`, and not set to nothing if it is not there
        assert f"name: {name}," in text("kubernetes/crypt-api.yaml")
    [example] = re.findall(r"FILES=(\S+)", text("compose.yaml"))
    assert parse_url(example.replace("URL", "https://s3.example.org")).is_s3


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_every_setting_of_a_server_can_be_set_beside_the_compose_file(name: str) -> None:
    """What the file itself sets wins over `deploy/.env`: addresses, and defaults that can be replaced."""
    for service, definition in compose(name)["services"].items():
        if service.startswith("server"):
            assert definition["env_file"] == [{"path": ".env", "required": False}]
            assert "./settings:/settings:ro" in definition["volumes"]
            for variable, value in definition["environment"].items():
                fixed = variable in {"CRYPT_API_TRUSTED_PROXIES", "CRYPT_API_METRICS"}
                assert fixed or value.startswith(f"${{{variable}:-")


def test_prometheus_asks_under_the_name_that_the_alerts_have() -> None:
    settings = yaml.safe_load(text("prometheus/prometheus.yml"))
    [job] = settings["scrape_configs"]
    assert settings["rule_files"] == ["alerts.yml"]
    assert f'up{{job="{job["job_name"]}"}}' in text("prometheus/alerts.yml")
    [target] = job["static_configs"][0]["targets"]
    assert f"CRYPT_API_METRICS={target}" in text("systemd/crypt-api.service")
    assert job["metrics_path"] in text("caddy/Caddyfile")


def test_every_proxy_lets_the_largest_part_through() -> None:
    assert "client_max_body_size 0;" in text("nginx/crypt-api.conf")  # the server refuses what is too large
    assert "request_body" not in text("caddy/Caddyfile")
    [megabytes] = re.findall(r"proxy-body-size: (\d+)m", PAGES[0].read_text())
    assert int(megabytes) << 20 > MAX_PART_BYTES


def test_kubernetes_does_not_set_our_variables_for_its_service() -> None:
    """A Service called `crypt-api` puts `CRYPT_API_PORT=tcp://…` into every pod that does not refuse it."""
    assert kubernetes("Service")["metadata"]["name"] == "crypt-api"
    assert kubernetes("Deployment")["spec"]["template"]["spec"]["enableServiceLinks"] is False


# Stopping, and what a process may do


def test_everybody_waits_for_the_servers_last_answers() -> None:
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > GRACE_SECONDS + sleep
    for unit in UNITS:
        assert int(lines(unit)["TimeoutStopSec"].removesuffix("s")) > GRACE_SECONDS
    for name in COMPOSE_FILES:
        for service, definition in compose(name)["services"].items():
            if service.startswith("server"):
                assert int(definition["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS


def test_no_proxy_uses_a_connection_that_the_server_may_just_have_closed() -> None:
    assert "proxy_set_header Connection close;" in text("nginx/crypt-api.conf")
    assert "keepalive off" in text("caddy/Caddyfile")


def test_no_proxy_counts_what_clients_do_against_the_servers() -> None:
    servers = re.findall(r"^ *(?:# )?server \S+:8787.*;", text("nginx/crypt-api.conf"), re.MULTILINE)
    assert len(servers) == 2
    assert all(line.endswith(" max_fails=0;") for line in servers)
    assert not re.search(r"^\s*(fail_duration|max_fails|unhealthy_)", text("caddy/Caddyfile"), re.MULTILINE)


def test_caddy_waits_for_a_client_as_long_as_the_server_does() -> None:
    waits = dict(re.findall(r"^\s*(read_body|write) (\d+)m$", text("caddy/Caddyfile"), re.MULTILINE))
    assert set(waits) == {"read_body", "write"}
    assert all(60 * int(minutes) > DEFAULT_IDLE_TIMEOUT * BODY_TIMEOUTS for minutes in waits.values())


def test_there_are_descriptors_for_every_connection() -> None:
    needed = DEFAULT_MAX_CONNECTIONS + SPARE_DESCRIPTORS
    for unit in UNITS:
        assert int(lines(unit)["LimitNOFILE"]) >= needed
    for name in COMPOSE_FILES:
        for service, definition in compose(name)["services"].items():
            if service.startswith("server"):
                assert definition["ulimits"]["nofile"] >= needed


def test_a_container_can_do_nothing_but_serve() -> None:
    for name in COMPOSE_FILES:
        for service, definition in compose(name)["services"].items():
            assert definition["cap_drop"] == ["ALL"]
            assert definition["security_opt"] == ["no-new-privileges:true"]
            assert service == "caddy" or definition["read_only"]
    pod = kubernetes("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "\nUSER 10001:10001\n" in text("Dockerfile").split("FROM")[-1]
    assert pod["securityContext"]["runAsUser"] == 10001


def test_a_restart_is_for_a_server_that_is_dead_and_not_for_one_whose_store_is() -> None:
    container = kubernetes("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["livenessProbe"]["httpGet"]["path"] == "/-/health"
    assert container["readinessProbe"]["httpGet"]["path"] == "/-/ready"
    assert "/-/health" in text("Dockerfile")
    assert "health_uri /-/ready" in text("caddy/Caddyfile")


def test_a_disruption_leaves_a_server() -> None:
    deployment, budget = kubernetes("Deployment"), kubernetes("PodDisruptionBudget")
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert kubernetes("Service")["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert deployment["spec"]["replicas"] > budget["spec"]["minAvailable"]


def test_messages_stay_out_of_core_dumps_and_swap() -> None:
    for unit in UNITS:
        assert (lines(unit)["LimitCORE"], lines(unit)["MemorySwapMax"]) == ("0", "0")
    for name in COMPOSE_FILES:
        for service, definition in compose(name)["services"].items():
            assert service == "caddy" or definition["ulimits"]["core"] == 0


# Several servers on one machine


def test_one_of_many_servers_may_do_what_a_single_one_may() -> None:
    """The two units differ in their store, which needs a folder or not, and in their ports."""
    own = {"Description", "After", "ExecStart", "Environment", "StateDirectory", "StateDirectoryMode"}
    single, template = (
        [line for line in text(unit).splitlines() if line and line[0] != "#" and line.partition("=")[0] not in own]
        for unit in UNITS
    )
    assert template == single
    assert "PrivateUsers=yes" in single


def test_each_of_many_servers_has_ports_of_its_own() -> None:
    command = lines("systemd/crypt-api@.service")["ExecStart"].split()
    ports = set()
    for instance in ("8781", "8784"):
        settings = serve.make_context("serve", [word.replace("%i", instance) for word in command[2:]]).params
        ports |= {str(settings["port"]), settings["metrics"].partition(":")[2]}
    assert ports == {"8781", "8784", "18781", "18784"}


def test_each_server_of_the_compose_file_can_be_several() -> None:
    for server in ("server-1", "server-2"):
        assert compose("compose.yaml")["services"][server]["deploy"]["replicas"] == "${REPLICAS:-1}"


# The engine, and the image


def test_the_engine_is_set_up_as_the_promises_need_it() -> None:
    settings = dict(line.split(" ", 1) for line in text("valkey/valkey.conf").splitlines() if line and line[0] != "#")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["save"] == '""'
    for log in ("slowlog-log-slower-than", "commandlog-request-larger-than", "commandlog-reply-larger-than"):
        assert settings[log] == "-1"
    services = compose("compose.yaml")["services"]
    url = services["server-1"]["environment"]["CRYPT_API_STORE"]
    replicas = [name for name, service in services.items() if "FOLLOWS:-valkey-a" in service.get("command", "")]
    assert replicas == ["valkey-b"]
    assert url.endswith(f"?replicas={len(replicas)}}}")


def test_the_image_has_the_newest_python_that_is_tested() -> None:
    tested: list[str] = []
    for name in ("deploy", "release"):
        workflow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
        tested.append(max(workflow["jobs"]["test"]["strategy"]["matrix"]["python"], key=lambda v: int(v.split(".")[1])))
    [image] = re.findall(r"^ARG PYTHON=(\S+)$", text("Dockerfile"), re.MULTILINE)
    assert [image, image] == tested


def test_the_builder_is_sent_what_the_image_copies_and_nothing_else() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    sent = {line[1:] for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert names == sent
    assert all((ROOT / name).exists() for name in names)


def test_the_page_about_deployment_names_every_file() -> None:
    page = (DEPLOY / "README.md").read_text()
    for path in FILES:
        assert f"`{path.relative_to(DEPLOY)}`" in page or path.name == "README.md"


# Workflows


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_the_hash_of_its_commit(path: Path) -> None:
    uses = re.findall(r"uses: (.+)", path.read_text())
    assert uses
    for line in uses:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
