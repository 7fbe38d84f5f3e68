"""What runs, with what, and whether it finds all that it is told of."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from pydantic import BaseModel

from ingress.settings import Settings as IngressSettings
from ops.environment import Environment
from streams.settings import Settings as StreamsSettings
from tests.chart.rendered import Object, Pod, Rendered, name_of

SETTINGS: Mapping[str, type[BaseModel]] = {"ingress": IngressSettings, "canary": Environment}
"""What reads the variables of a container; the stages are all one."""
_KAFKA_WRITES = {"/opt/kafka/config", "/opt/kafka/logs"}
ANY = "*"
"""All keys of a Secret: which these are, only its owner knows."""


def resources(rendered: Rendered) -> Iterator[str]:
    """Requests for the scheduler, and a limit of memory; none of CPU, which makes answers late."""
    for pod in rendered.pods:
        given = pod.container.get("resources", {})
        requests, limits = given.get("requests", {}), given.get("limits", {})
        if not {"cpu", "memory"} <= set(requests) or set(limits) != {"memory"}:
            yield f"{name_of(pod.owner)} has the resources {given}"


def own_variables(rendered: Rendered) -> Iterator[str]:
    """No variables named after Services: GEOPHONE_KAFKA_PORT would be taken for a setting."""
    for pod in rendered.pods:
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{name_of(pod.owner)} gets variables of the namespace's Services"


def images(rendered: Rendered) -> Iterator[str]:
    """One image each, that is the same tomorrow."""
    for pod in rendered.pods:
        image = pod.container["image"]
        if not re.search(r"[\w/-]+(:\d[\w.-]*|@sha256:[0-9a-f]{64})$", image):
            yield f"{name_of(pod.owner)} runs {image}"
        if "//" in image or image.startswith("/"):
            yield f"{name_of(pod.owner)} runs {image}"


def volumes(rendered: Rendered) -> Iterator[str]:
    """Each mount has its volume and each volume its mount, and /tmp can be written."""
    for pod in rendered.pods:
        claims = pod.owner["spec"].get("volumeClaimTemplates", [])
        there = [each["name"] for each in pod.spec.get("volumes", [])]
        there += [each["metadata"]["name"] for each in claims]
        mounts = pod.container.get("volumeMounts", [])
        if sorted(there) != sorted({each["name"] for each in mounts}):
            yield f"{name_of(pod.owner)} has the volumes {there} and mounts {mounts}"
        paths = [each["mountPath"] for each in mounts]
        if len(set(paths)) < len(paths) or "/tmp" not in paths:  # noqa: S108 - of the container
            yield f"{name_of(pod.owner)} mounts {paths}"


def once(rendered: Rendered) -> Iterator[str]:
    """No name or place twice: the API takes the last, or refuses the pod."""
    for pod in rendered.pods:
        claims = pod.owner["spec"].get("volumeClaimTemplates", [])
        for kind, found in {
            "variable": [each["name"] for each in pod.container["env"]],
            "volume": [each["name"] for each in pod.spec["volumes"]]
            + [each["metadata"]["name"] for each in claims],
            "mount": [each["mountPath"] for each in pod.container["volumeMounts"]],
        }.items():
            if len(set(found)) < len(found):
                yield f"{name_of(pod.owner)} has a {kind} twice: {sorted(found)}"


def logs_in_a_folder(rendered: Rendered) -> Iterator[str]:
    """Kafka has a folder of its own in its volume: it ends over one that is no partition's.

    A new ext4 volume has one, lost+found.
    """
    for pod in rendered.pods:
        folder = PurePosixPath(pod.env.get("KAFKA_LOG_DIRS", "/"))
        mounts = {PurePosixPath(each["mountPath"]) for each in pod.container["volumeMounts"]}
        if not pod.is_ours and (folder in mounts or not mounts & set(folder.parents)):
            yield f"{name_of(pod.owner)} has its logs in {folder}"


def kafka_can_write(rendered: Rendered) -> Iterator[str]:
    """Apache Kafka's image writes its configuration and logs beside its programs."""
    for pod in rendered.pods:
        mounts = {each["mountPath"] for each in pod.container["volumeMounts"]}
        if not pod.is_ours and (missing := _KAFKA_WRITES - mounts):
            yield f"{name_of(pod.owner)} cannot write {sorted(missing)}"


def files_are_there(rendered: Rendered) -> Iterator[str]:
    """Whatever file a variable names is in a volume."""
    for pod in rendered.pods:
        held = set(_files(pod))
        for name, value in pod.env.items():
            if name.endswith(("_FILE", "_FILES")):
                paths = {value, str(PurePosixPath(value).parent / ANY)}
                if not paths & held:
                    yield f"{name_of(pod.owner)}: {name} is {value}, there are {sorted(held)}"
        folder = pod.env.get("GEOPHONE_STATE_DIR")
        if folder and folder not in {each["mountPath"] for each in pod.container["volumeMounts"]}:
            yield f"{name_of(pod.owner)} keeps its state in the image"


def _files(pod: Pod) -> Iterator[str]:
    """Yield the paths of the files that volumes bring."""
    names = {each["name"]: list(_keys(each)) for each in pod.spec["volumes"]}
    for mount in pod.container["volumeMounts"]:
        for key in names.get(mount["name"], []):
            yield str(PurePosixPath(mount["mountPath"]) / key)


def _keys(volume: Object) -> Iterator[str]:
    for source in (volume, *volume.get("projected", {}).get("sources", [])):
        for kind in ("secret", "configMap"):
            if kind in source:
                yield from (item["path"] for item in source[kind].get("items", [{"path": ANY}]))
        if "serviceAccountToken" in source:
            yield source["serviceAccountToken"]["path"]


def settings(rendered: Rendered) -> Iterator[str]:
    """Every variable is one that the process knows, and its value one that it takes."""
    for pod in rendered.pods:
        if not pod.is_ours:
            continue
        known = SETTINGS.get(pod.component, StreamsSettings)
        named = {
            each["name"].removeprefix("GEOPHONE_").lower()
            for each in pod.container["env"]
            if each["name"].startswith("GEOPHONE_")
        }
        if unknown := named - set(known.model_fields):
            yield f"{name_of(pod.owner)} sets {sorted(unknown)}"
        values = {name.removeprefix("GEOPHONE_").lower(): value for name, value in pod.env.items()}
        try:
            known.model_validate(values)
        except ValueError as error:
            yield f"{name_of(pod.owner)}: {error}"
