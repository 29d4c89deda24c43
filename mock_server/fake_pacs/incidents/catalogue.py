"""Every incident by its name."""

from collections.abc import Mapping
from difflib import get_close_matches

from fake_pacs.incidents.dead_token import DeadToken
from fake_pacs.incidents.incident import Incident
from fake_pacs.incidents.rescan import Rescan
from fake_pacs.incidents.restart import Restart
from fake_pacs.incidents.storm import Storm
from fake_pacs.incidents.user_edits import UserEdits
from fake_pacs.incidents.values import Asked, Stage

INCIDENTS: Mapping[str, type[Incident]] = {kind.name: kind for kind in (DeadToken, Restart, Rescan, UserEdits, Storm)}


def begin(name: str, stage: Stage, asked: Asked) -> Incident:
    """Begins an incident. Raises `ValueError` for a name that there isn't, and for what it can't be about.

    Refused: UNKNOWN_SLIDE, UNKNOWN_APPLICATION.
    """
    if name not in INCIDENTS:
        near = get_close_matches(name, INCIDENTS, 1)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(INCIDENTS)}"
        raise ValueError(f"name: there is no incident {name!r}; {meant}")
    world = stage.world
    if asked.slide_id is not None:
        world.slide(asked.slide_id)
    if asked.application_id is not None:
        world.application(asked.application_id, stage.tenant)
    if asked.seconds is not None and not 0 <= asked.seconds <= 60:
        raise ValueError(f"seconds: came {asked.seconds:g}, expected 0 to 60")
    incident = INCIDENTS[name](stage, asked)
    world.incidents.begin(incident)
    return incident
