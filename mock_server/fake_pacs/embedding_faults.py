"""`MockSectraServer`: what goes wrong on purpose. Faults, the clock, incidents."""

from fake_pacs.clock import MovableClock
from fake_pacs.faults.table import TenantFaults
from fake_pacs.incidents.catalogue import begin
from fake_pacs.incidents.incident import Incident
from fake_pacs.incidents.values import Asked, Stage
from fake_pacs.settings import DEFAULT_TENANT
from fake_pacs.world import World


class FaultSide:
    """The part of `MockSectraServer` that breaks things."""

    world: World

    @property
    def faults(self) -> TenantFaults:
        """The faults of the default tenant: `pacs.faults.status("getInfo", 503, times=2)`; see docs/faults.md."""
        return self.faults_of(DEFAULT_TENANT)

    def faults_of(self, tenant: str) -> TenantFaults:
        """The faults of a tenant."""
        return self.world.faults.of(tenant)

    @property
    def clock(self) -> MovableClock:
        """The server's clock: `pacs.clock.advance(30 * 86400)`; tokens expire by it, in every tenant."""
        return self.world.clock

    def incident(
        self,
        name: str,
        *,
        slide_id: str | None = None,
        application_id: str | None = None,
        count: int | None = None,
        seconds: float | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> Incident:
        """Begins a named incident: `with pacs.incident("slide-rescanned") as incident: …; incident.assert_passed()`.

        Raises `ValueError` for a name that there isn't, `Refusal` for a slide
        or an application that there isn't.
        """
        return begin(name, Stage(self.world, tenant), Asked(slide_id, application_id, count, seconds))
