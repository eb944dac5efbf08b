"""The nouns of a drill: plain frozen values, without I/O, that one step hands to the next."""

from chromadrill.core.model.backups import (
    Artefact,
    Backup,
    BackupStore,
    Plan,
    ProvenRestore,
    Schedule,
    StoreEntry,
)
from chromadrill.core.model.clients import (
    Acknowledged,
    ClientView,
    FaultInjection,
    Hits,
    HotCopy,
    ProbeResult,
    Samples,
    Usage,
    Window,
)
from chromadrill.core.model.database import HNSW_DEFAULTS, JSON, CollectionInfo, Page, Scope
from chromadrill.core.model.fingerprints import (
    AT_REST,
    AT_REST_IN_PART,
    Answer,
    CollectionPrint,
    Fingerprint,
    Observation,
    ReadError,
    Recall,
)
from chromadrill.core.model.power_cuts import CutClass, PowerCut, ServedData
from chromadrill.core.model.questions import (
    QuestionCounts,
    QuestionExample,
    QuestionState,
    WhyUnasked,
)
from chromadrill.core.model.verdicts import Difference, Outcome, Verdict

__all__ = [
    "AT_REST",
    "AT_REST_IN_PART",
    "HNSW_DEFAULTS",
    "JSON",
    "Acknowledged",
    "Answer",
    "Artefact",
    "Backup",
    "BackupStore",
    "ClientView",
    "CollectionInfo",
    "CollectionPrint",
    "CutClass",
    "Difference",
    "FaultInjection",
    "Fingerprint",
    "Hits",
    "HotCopy",
    "Observation",
    "Outcome",
    "Page",
    "Plan",
    "PowerCut",
    "ProbeResult",
    "ProvenRestore",
    "QuestionCounts",
    "QuestionExample",
    "QuestionState",
    "ReadError",
    "Recall",
    "Samples",
    "Schedule",
    "Scope",
    "ServedData",
    "StoreEntry",
    "Usage",
    "Verdict",
    "WhyUnasked",
    "Window",
]
