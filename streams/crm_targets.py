"""The targets of the crm stage, connected as the settings say; nothing is opened yet."""

from collections.abc import Callable, Mapping
from typing import Any

from streams.crm import CRM
from streams.crm.breaker import Breaker
from streams.crm.target import Target
from streams.crm.targets import DEFAULT, BadTarget, Description, Further, read_targets
from streams.settings import Settings


def targets(settings: Settings) -> list[Target]:
    """Return the default target, then the further ones.

    Raises:
        ValueError: what is wrong and where: a variable, or a member of the targets file.
    """
    further = read_targets(settings.crm_targets_file) if settings.crm_targets_file else {}
    elsewhere = frozenset(tenant for one in further.values() for tenant in one.tenants)
    default = Target(
        DEFAULT,
        _default(settings),
        lambda tenant: tenant not in elsewhere,
        Breaker(settings.crm_max_refused_share),
    )
    return [default, *(_further(settings, *each) for each in further.items())]


def _further(settings: Settings, name: str, description: Further) -> Target:
    def serves(tenant: str | None) -> bool:
        return tenant in description.tenants

    def place(member: str) -> str:
        return f"{settings.crm_targets_file}: {name}.{member}"

    crm = _connected(description, {}, place)
    breaker = Breaker(settings.crm_max_refused_share)
    return Target(name, crm, serves, breaker, tenants=description.tenants)


def _default(settings: Settings) -> CRM:
    description = Description(
        crm=settings.crm,
        url=settings.crm_url,
        credentials_file=settings.crm_credentials_file,
        requests_per_second=settings.crm_requests_per_second,
        concurrency=settings.crm_concurrency,
        timeout_seconds=settings.crm_timeout_seconds,
    )
    options = _options(settings)
    if options and settings.crm_credentials_file:
        name = "GEOPHONE_CRM_SECRET" + ("_FILE" if settings.crm_secret_file else "")
        raise ValueError(f"{name}: goes into GEOPHONE_CRM_CREDENTIALS_FILE, too; unset one")
    return _connected(description, options, lambda member: _variable(settings, member))


def _options(settings: Settings) -> Mapping[str, Any]:
    if settings.crm_secret_file:
        return {"secret": {"file": settings.crm_secret_file}}
    return {"secret": settings.crm_secret} if settings.crm_secret else {}


def _connected(
    description: Description, options: Mapping[str, Any], place: Callable[[str], str]
) -> CRM:
    try:
        return description.connect(options)
    except BadTarget as error:
        raise ValueError(f"{place(error.member)}: {error}") from error


def _variable(settings: Settings, member: str) -> str:
    if member == "secret" and settings.crm_credentials_file:
        member = "credentials_file"
    elif member == "secret" and settings.crm_secret_file:
        member = "secret_file"
    return "GEOPHONE_CRM" + ("" if member == "crm" else f"_{member.upper()}")
