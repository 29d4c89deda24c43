"""The incidents under way, and those that are over: the last of each name, for each tenant."""

import threading

from fake_pacs.incidents.incident import Incident


class IncidentTable:
    """The incidents of all tenants; they belong to this process, like the faults."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tenants: dict[str, dict[str, Incident]] = {}

    def begin(self, incident: Incident) -> None:
        """Arms an incident; an earlier one of its name in its tenant is over."""
        with self._lock:
            of_tenant = self._tenants.setdefault(incident.stage.tenant, {})
            former = of_tenant.pop(incident.name, None)
            of_tenant[incident.name] = incident
        if former:
            former.end()
        incident.begin()

    def of(self, tenant: str) -> list[Incident]:
        """The tenant's incidents, in the order in which they were begun."""
        with self._lock:
            return list(self._tenants.get(tenant, {}).values())

    def find(self, tenant: str, name: str) -> Incident | None:
        """The tenant's last incident of that name, None where there was none."""
        with self._lock:
            return self._tenants.get(tenant, {}).get(name)

    def clear(self, tenant: str) -> None:
        """Ends and forgets the tenant's incidents."""
        with self._lock:
            begun = self._tenants.pop(tenant, {})
        for incident in begun.values():
            incident.end()
