"""The track record: every public incident that is rebuilt, by the way it is rebuilt."""

from __future__ import annotations

from chromadrill.disasters.incidents.catalogue_faults import FAULTS
from chromadrill.disasters.incidents.exports import EXPORTS
from chromadrill.disasters.incidents.files_at_rest import FILES
from chromadrill.disasters.incidents.gateways import GATEWAYS
from chromadrill.disasters.incidents.healthy import HEALTHY
from chromadrill.disasters.incidents.incident import Incident
from chromadrill.disasters.incidents.older_releases import OLDER
from chromadrill.disasters.incidents.running_servers import RUNNING
from chromadrill.disasters.incidents.sources import SOURCES

KINDS = (FAULTS, FILES, OLDER, RUNNING, GATEWAYS, EXPORTS, SOURCES, HEALTHY)
INCIDENTS: tuple[Incident, ...] = tuple(row for kind in KINDS for row in kind.rows)
