"""What Helm makes of the chart is what the API takes, the same each time, and as recorded."""

import copy
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import helm_python
import pytest
import yaml
from kubernetes_validate import ValidationError, utils, validate

from tests.chart.custom_resources import complaints
from tests.chart.rendered import CHART, FIXTURES, Object, fixture, given, merged, name_of, render

GOLDEN = Path(__file__).parent / "golden"
MINORS = [f"1.{minor}" for minor in range(31, 38)]
NOTES = "geophone/templates/NOTES.txt"


def is_custom(each: Object) -> bool:
    """Whether its kind is none of Kubernetes' own."""
    group = each["apiVersion"].rpartition("/")[0]
    return "." in group and group != "networking.k8s.io"


@pytest.mark.parametrize("name", FIXTURES)
def test_helm_finds_no_fault(name: str) -> None:
    for minor in (MINORS[0], MINORS[-1]):
        result = helm_python.lint(CHART, given(name), strict=True, kube_version=f"{minor}.0")
        assert result["errors"] == []
        assert {each["error"] for each in result["messages"]} <= {"icon is recommended"}


@pytest.fixture
def schemas_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the library would parse anew for each object, megabytes of it."""
    kept = cache(utils.schema_contents)
    monkeypatch.setattr(utils, "schema_contents", kept)


@pytest.mark.usefixtures("schemas_read_once")
@pytest.mark.parametrize("minor", MINORS)
def test_every_kubernetes_takes_it(minor: str) -> None:
    for name in FIXTURES:
        for each in fixture(name).objects:
            if not is_custom(each):
                validate(each, minor, strict=True)


def test_a_release_may_be_called_a_number() -> None:
    rendered = render(given("numbers"), release="2024")
    for each in rendered.objects:
        if is_custom(each):
            assert complaints(each) == [], name_of(each)
        else:
            validate(each, MINORS[-1], strict=True)
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == "2024"


def test_a_release_may_have_a_dot_in_its_name() -> None:
    names = {each["metadata"]["name"] for each in render(given("minimal"), release="a.b").objects}
    assert "a-b-geophone-ingress" in names
    assert not any("." in each for each in names)


def test_a_large_number_is_written_in_full() -> None:
    """Numbers come as floating point: a million would be 1e+06, which is no whole number."""
    million = 1_000_000
    scaled = {"enabled": True, "minReplicas": million, "maxReplicas": million}
    large = {
        "topics": {"partitions": million, "replication": million},
        "ingress": {
            "autoscaling": scaled,
            "maxConnections": million,
            "maxInFlight": million,
            "keepAliveSeconds": million,
            "preStopSeconds": million,
        },
        "streams": {
            "stalledSeconds": million,
            "startupSeconds": million,
            "keda": {"pollingInterval": million},
            "dedup": {"keda": scaled | {"lagThreshold": million}},
            "followup": {"replicas": million},
        },
        "crm": {"connector": "webhook", "url": "https://crm.example.com", "concurrency": million},
        "canary": {"patienceSeconds": million, "schedule": "@hourly"},
        "monitoring": {"prometheusRule": {"enabled": True, "lagRecords": million}},
    }
    rendered = render(merged(given("minimal"), large))
    assert [text for text in rendered.texts.values() if "e+0" in text] == []


@pytest.mark.parametrize("selector", ['job="a #b"', 'job="a: b"', "job='x'", 'job=~"a{2}"'])
def test_a_selector_stays_as_it_is(selector: str) -> None:
    chosen = {"monitoring": {"prometheusRule": {"enabled": True, "selector": selector}}}
    rendered = render(merged(given("keda"), chosen))
    queries = [
        trigger["metadata"]["query"]
        for each in rendered.of("ScaledObject")
        for trigger in each["spec"]["triggers"]
        if trigger["type"] == "prometheus"
    ]
    assert queries == [f"sum(geophone_ingress_in_flight{{{selector}}})"]
    (rule,) = rendered.of("PrometheusRule")
    assert selector in rule["spec"]["groups"][0]["rules"][0]["expr"]


def test_a_misspelt_field_is_found() -> None:
    deployment = copy.deepcopy(fixture("minimal").of("Deployment")[0])
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 60
    with pytest.raises(ValidationError):
        validate(deployment, MINORS[-1], strict=True)


@pytest.mark.parametrize("name", FIXTURES)
def test_custom_resources_have_the_fields_of_their_kind(name: str) -> None:
    for each in filter(is_custom, fixture(name).objects):
        assert complaints(each) == [], name_of(each)


@pytest.mark.parametrize("name", FIXTURES)
def test_it_is_as_recorded(name: str, request: pytest.FixtureRequest) -> None:
    recorded = GOLDEN / f"{name}.yaml"
    text = as_record(fixture(name).texts)
    if request.config.getoption("--update-golden"):
        recorded.write_text(text, encoding="utf-8")
    # What differs is the point; if it is meant, run again with --update-golden and commit that.
    assert text == recorded.read_text(encoding="utf-8")


def as_record(texts: Mapping[str, str]) -> str:
    """Return all that was rendered, in a stable order, but for what is copied from a file."""
    return "\n".join(
        f"# {path}\n{tidy(text)}"
        for path, text in sorted(texts.items())
        if text.strip() and not path.endswith("dashboards.yaml")
    )


def tidy(text: str) -> str:
    """Return the text without the empty lines that templates leave."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


@pytest.mark.parametrize("name", FIXTURES)
def test_twice_is_the_same(name: str) -> None:
    assert render(given(name)).texts == fixture(name).texts


def test_nothing_asks_the_cluster_the_clock_or_the_dice() -> None:
    # GitOps tools render without a cluster, and again and again.
    for path in (CHART / "templates").rglob("*"):
        if path.is_file():
            found = re.findall(
                r"\b(?:lookup|now|date|rand\w+|uuidv4|gen\w*(?:CA|Cert|PrivateKey)\w*|getHostByName)\b"
                r"|\.Capabilities",
                re.sub(
                    r"\{\{-? ?/\*.*?\*/ ?-?\}\}|^ *#.*?$",
                    "",
                    path.read_text(),
                    flags=re.DOTALL | re.MULTILINE,
                ),
            )
            assert found == [], path


def test_the_notes_say_what_to_paste_and_what_to_do_next() -> None:
    notes = fixture("everything").texts[NOTES]
    assert "https://seismic.example.com/webhook" in notes
    commands = re.findall(r"^  (?:kubectl|helm) .*$", notes, re.MULTILINE)
    assert len(commands) == 3
    assert "helm test geophone" in commands[1]


def test_the_notes_warn_of_what_is_not_for_production() -> None:
    assert "FOR TRYING OUT ONLY" in fixture("one-node").texts[NOTES]
    assert "ANYBODY" in fixture("receiver-only").texts[NOTES]
    assert "No CRM yet" in fixture("minimal").texts[NOTES]
    quiet = fixture("everything").texts[NOTES]
    assert not any(each in quiet for each in ("FOR TRYING", "ANYBODY", "No CRM"))


def notes(**values: object) -> str:
    return render(merged(given("minimal"), values)).texts[NOTES]


def test_the_notes_say_what_a_load_balancer_has_to_do() -> None:
    plain = notes(ingress={"service": {"type": "LoadBalancer"}})
    assert "https://<your name for it>/webhook" in plain
    assert "the load balancer has to" in plain
    service = {"type": "LoadBalancer", "port": 8443}
    itself = notes(ingress={"service": service, "tls": {"existingSecret": "tls"}})
    assert "https://<your name for it>:8443/webhook" in itself
    assert "the load balancer has to" not in itself


def test_the_notes_warn_of_tls_behind_an_ingress() -> None:
    exposed = {"ingress": {"enabled": True, "host": "seismic.example.com"}}
    behind = notes(ingress={"tls": {"existingSecret": "tls"}}, expose=exposed)
    assert "The pods speak TLS" in behind
    assert "The pods speak TLS" not in notes(expose=exposed)


def test_a_canary_that_does_not_know_the_ca_is_not_offered() -> None:
    tls = {"tls": {"existingSecret": "tls"}}
    assert "helm test geophone" not in notes(ingress=tls)
    assert "SSL_CERT_FILE" in notes(ingress=tls)
    canary = {"extraEnv": [{"name": "SSL_CERT_FILE", "value": "/etc/ca/ca.crt"}]}
    assert "helm test geophone" in notes(ingress=tls, canary=canary)


def test_the_notes_tell_what_does_not_run_here() -> None:
    receiver = fixture("receiver-only").texts[NOTES]
    assert "streams.dedup is off here" in receiver
    assert "No CRM yet" not in receiver
    off = notes(tasks={"rules": "version: 1"}, streams={"followup": {"enabled": False}})
    assert "tasks.rules are not read" in off
    assert "NEVER CHANGE the partitions (12)" in fixture("strimzi").texts[NOTES]


def test_where_the_canary_cannot_call_there_is_no_test() -> None:
    rendered = fixture("openshift-trial")
    assert rendered.of("Pod") == []
    assert "No helm test" in rendered.texts[NOTES]
    assert "helm test geophone" not in rendered.texts[NOTES]


def test_another_release_shares_no_name() -> None:
    both = [render(given("minimal"), release=name) for name in ("geophone", "second")]
    one, other = ({name_of(each) for each in rendered.objects} for rendered in both)
    assert not one & other


def test_all_fixtures_are_values_files() -> None:
    for name in FIXTURES:
        text = (CHART / "ci" / f"{name}.yaml").read_text(encoding="utf-8")
        assert text.startswith("# "), "says what it is for"
        assert isinstance(yaml.safe_load(text), dict)
