"""Who a process is, what it may, and who sees its secrets."""

import re
from collections.abc import Iterator

from tests.chart.rendered import Object, Rendered, Values, name_of

_SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|CREDENTIAL")

ANY = "*"
"""All keys of a Secret."""

_KAFKA_USER = 1000
"""Of Apache Kafka's image."""


def restricted(rendered: Rendered) -> Iterator[str]:
    """Pods are what the Pod Security Standard `restricted` demands, and read-only besides."""
    for pod in rendered.pods:
        security = pod.spec["securityContext"]
        if not security.get("runAsNonRoot") or security.get("runAsUser", 1) == 0:
            yield f"{name_of(pod.owner)} may run as root"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name_of(pod.owner)} has no seccomp profile"
        if any(pod.spec.get(each) for each in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{name_of(pod.owner)} shares the node's namespaces"
        own = pod.container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or not own.get(
            "readOnlyRootFilesystem"
        ):
            yield f"{name_of(pod.owner)} may escalate or write beside its volumes"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{name_of(pod.owner)} has capabilities"


def numeric_user(rendered: Rendered) -> Iterator[str]:
    """A user by number, or runAsNonRoot cannot be verified; none where the platform chooses."""
    wanted = rendered.values["runAsUser"]
    for pod in rendered.pods:
        user = wanted if pod.is_ours or wanted is None else _KAFKA_USER
        if pod.spec["securityContext"].get("runAsUser") != user:
            yield f"{name_of(pod.owner)} does not run as {user}"


def no_token(rendered: Rendered) -> Iterator[str]:
    """Nothing here calls the API."""
    for each in [*rendered.of("ServiceAccount"), *(pod.spec for pod in rendered.pods)]:
        if each.get("automountServiceAccountToken") is not False:
            yield f"a token is mounted: {each.get('metadata', each.get('containers'))}"


def service_account(rendered: Rendered) -> Iterator[str]:
    """Pods run as the account that the chart makes, or that the user named."""
    made = {each["metadata"]["name"] for each in rendered.of("ServiceAccount")}
    named = {rendered.values["serviceAccount"]["name"] or "default"}
    for pod in rendered.pods:
        if pod.spec["serviceAccountName"] not in (made or named):
            yield f"{name_of(pod.owner)} runs as {pod.spec['serviceAccountName']}"


def secrets_are_files(rendered: Rendered) -> Iterator[str]:
    """A secret in the environment is in every dump of it, and a new one needs a restart."""
    for pod in rendered.pods:
        for each in pod.container.get("env", []):
            if "secretKeyRef" in each.get("valueFrom", {}):
                yield f"{name_of(pod.owner)} has {each['name']} from a Secret"
            if _SECRET.search(each["name"]) and not each["name"].endswith(("_FILE", "_FILES")):
                yield f"{name_of(pod.owner)} has {each['name']}"
        # A mount of one file never changes.
        if any("subPath" in each for each in pod.container.get("volumeMounts", [])):
            yield f"{name_of(pod.owner)} mounts a single file"


def secrets_are_read_only(rendered: Rendered) -> Iterator[str]:
    """Files of a Secret are for the process alone."""
    for pod in rendered.pods:
        modes = {each["name"]: mode for each in pod.spec["volumes"] if (mode := _mode(each))}
        for mount in pod.container["volumeMounts"]:
            if mount["name"] in modes and not mount.get("readOnly"):
                yield f"{name_of(pod.owner)} may write {mount['mountPath']}"
        for name, mode in modes.items():
            if mode != 0o440:
                yield f"{name_of(pod.owner)} shows {name} to others: {mode:o}"


def given_secrets(rendered: Rendered) -> Iterator[str]:
    """Every Secret and key that is named was named by the user: nothing here makes one."""
    given = set(_given(rendered.values))
    for place, name, key in _named(rendered):
        if (name, key) not in given and (name, ANY) not in given:
            yield f"{place} wants {key} of the Secret {name}"


def _given(values: Values) -> Iterator[tuple[str, str]]:
    kafka, ingress = values["kafka"], values["ingress"]
    sasl, tls, own = kafka["sasl"], kafka["tls"], ingress["tls"]
    yield values["seismic"]["existingSecret"], values["seismic"]["secretsKey"]
    yield sasl["existingSecret"], sasl["secretKey"]
    yield tls["caSecret"], tls["caKey"]
    for key in (tls["certificateKey"], tls["privateKeyKey"]):
        yield tls["clientSecret"], key
    for key in (own["certificateKey"], own["privateKeyKey"], own["clientCAKey"]):
        yield own["existingSecret"], key
    yield values["crm"]["existingSecret"], ANY
    yield values["expose"]["ingress"]["tlsSecret"], ANY


def _named(rendered: Rendered) -> Iterator[tuple[str, str, str]]:
    """Yield who names a Secret, its name, and the key."""
    for pod in rendered.pods:
        for volume in pod.spec["volumes"]:
            yield from ((name_of(pod.owner), *each) for each in _in_volume(volume))
    for each in rendered.of("TriggerAuthentication"):
        for target in each["spec"]["secretTargetRef"]:
            yield name_of(each), target["name"], target["key"]
    for each in rendered.of("Ingress"):
        for host in each["spec"].get("tls", []):
            yield name_of(each), host["secretName"], ANY


def _in_volume(volume: Object) -> Iterator[tuple[str, str]]:
    secret = volume.get("secret", {"items": []})
    for item in secret["items"]:
        yield secret["secretName"], item["key"]
    for source in volume.get("projected", {}).get("sources", []):
        if "secret" in source:
            yield source["secret"]["name"], ANY


def _mode(volume: Object) -> int | None:
    for kind in ("secret", "projected"):
        if kind in volume:
            return int(volume[kind].get("defaultMode", 0o644))
    return None
