"""What may be set: one class a table of `drill.toml`, with its limits and defaults."""

from __future__ import annotations

import importlib.util
import re
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from chromadrill.core.redaction import mask_output
from chromadrill.core.settings.dotted_keys import flatten
from chromadrill.core.settings.source_table import Source
from chromadrill.core.settings.table import Table

REBUILD_NEEDS = "psycopg"  # of RB-3: the extra `postgres`

_EMBEDDING_FUNCTION = re.compile(
    r"minilm|collection"
    r"|[\w.~-]+(/[\w.~-]+)+"  # a sentence-transformers model
    r"|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"  # package.module:callable
)


class DrillTable(Table):
    """`[drill]`: what a drill covers, and how much data it uses."""

    target: str = "process"
    records: int = Field(3000, ge=1100, le=1_000_000)
    rebuild_records: int = Field(600, ge=100, le=1_000_000)
    required: tuple[str, ...] = Field(default_factory=lambda: _default_required())
    min_records: int = Field(1000, ge=0)
    reports: str = "reports"
    fail_on_trend: bool = False
    environment: str | None = None
    require_docker: bool = False
    hot_copy_attempts: int = Field(3, ge=1, le=1000)
    hot_copy_store_mb: int = Field(150, ge=10, le=100_000)
    power_cuts: int = Field(20, ge=1, le=10_000)


def _default_required() -> tuple[str, ...]:
    """RB-3 is part of the drill where its extra is installed; a model is one command away."""
    has_extra = importlib.util.find_spec(REBUILD_NEEDS) is not None
    return ("RB-1", "RB-2", *(["RB-3"] if has_extra else []), "RB-4", "RB-6", "RB-8")


class Objectives(Table):
    """`[objectives]`: limits, units in the names."""

    rb1_recovery_s: float = Field(120, gt=0)
    rb2_recovery_s: float = Field(300, gt=0)
    rb3_recovery_s: float = Field(3600, gt=0)
    rb4_recovery_s: float = Field(300, gt=0)
    rb6_recovery_s: float = Field(300, gt=0)
    rb8_recovery_s: float = Field(300, gt=0)
    data_loss_s: float = Field(86_400, ge=0)
    downtime_s: float = Field(300, ge=0)
    wrong_answers_s: float = Field(120, ge=0)
    startup_s: float = Field(30, gt=0)
    collection_creation_s: float = Field(10, gt=0)
    search_p90_ms: float = Field(500, gt=0)
    search_samples: int = Field(200, ge=20)
    query_ms: float = Field(2000, gt=0)
    upsert_p90_ms: float = Field(1000, gt=0)
    embedding_p90_ms: float = Field(100, gt=0)


class Contacts(Table):
    """`[contacts]`: whom on-call calls, in this order; "NAME, HOW TO REACH"."""

    primary: str | None = None
    secondary: str | None = None
    platform: str | None = None


class Remediation(Table):
    """`[[evidence.remediation]]`: what an earlier drill found, and who mends it by when."""

    what: str
    owner: str
    due: str
    ticket: str | None = None


class Evidence(Table):
    """`[evidence]`: what a record says of itself. `signing_key`: from the environment alone."""

    operator: str | None = None
    witness: str | None = None
    approver: str | None = None
    trigger: str | None = Field(None, pattern="^(schedule|release|manual)$")
    production_origin: bool | None = None
    exceptions: tuple[str, ...] = ()
    remediation: tuple[Remediation, ...] = ()
    signing_key: SecretStr | None = None


class Notify(Table):
    """`[notify]`: who is notified of how a run ended. All URLs are secrets: from the environment alone.

    `heartbeat` is for drills, `backup_heartbeat` for backups, `monitor_heartbeat` for the monitor.
    """

    webhook: SecretStr | None = None
    heartbeat: SecretStr | None = None
    backup_heartbeat: SecretStr | None = None
    monitor_heartbeat: SecretStr | None = None


class Monitoring(Table):
    """`[monitoring]`: the figures of the alert rules; seconds, unless the name says otherwise.

    `time_scale` shortens every wait for a test; it stands in the evidence.
    """

    interval_s: float = Field(30, gt=0)
    timeout_s: float = Field(10, gt=0)
    failures_to_alert: int = Field(3, ge=1)
    recovery_s: float = Field(180, ge=0)
    search_ms: float = Field(2000, gt=0)
    search_for_s: float = Field(300, ge=0)
    disk_percent: float = Field(85, gt=0, le=100)
    disk_clear_percent: float = Field(80, ge=0, le=100)
    min_records: int = Field(1, ge=0)
    backup_every_s: float = Field(86_400, gt=0)
    backup_grace_s: float = Field(17_280, ge=0)
    backup_journal: str = ".chromadrill/backups.jsonl"
    flusher_heartbeat: str | None = Field(None, min_length=1)
    drift_collections: tuple[str, ...] = ()
    drift_texts: int = Field(8, ge=1, le=1000)
    drift_cosine: float = Field(0.9999, gt=0, lt=1)
    drift_embed_every_s: float = Field(3600, ge=0)
    time_scale: float = Field(1.0, gt=0, le=1)
    url: str | None = None
    escalation: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.disk_clear_percent > self.disk_percent:
            raise ValueError("disk_clear_percent must not be above disk_percent")
        return self


class Betterstack(Table):
    """`[betterstack]`: where its two products are. Tokens: from the environment alone."""

    uptime_url: str = "https://uptime.betterstack.com"
    telemetry_url: str = "https://telemetry.betterstack.com"
    ingest_url: str | None = None
    uptime_token: SecretStr | None = None
    telemetry_token: SecretStr | None = None
    ingest_token: SecretStr | None = None


class Embedding(Table):
    """`[embedding]`: the model, and how it runs.

    `function`: "minilm" (all-MiniLM-L6-v2), "collection" (what the collection's own configuration
    names), the name of a sentence-transformers model (it holds a "/"), or "package.module:callable".
    """

    function: str = "minilm"
    directory: str | None = None
    # processor ms a document (benchmarks/embedder.py): one worker 14.0, two 13.7, two threads of a
    # batch 15.3; batches of 4, 8, 16 and 32: 13.4, 13.7, 15.0 and 16.4
    threads: int = Field(1, ge=1)
    workers: int = Field(2, ge=1)
    batch_size: int | None = Field(None, ge=1)
    device: str = "cpu"
    offline: bool = True
    least_cosine: float = Field(0.9999, gt=0, lt=1)
    timeout_s: float = Field(60, gt=0)
    retries: int = Field(6, ge=0, le=100)
    retry_wait_s: float = Field(1, ge=0)
    requests_per_minute: float | None = Field(None, gt=0)
    documents_per_minute: float | None = Field(None, gt=0)
    ask_above_tokens: int = Field(1_000_000, ge=0)

    @field_validator("function")
    @classmethod
    def _function(cls, function: str) -> str:
        if not _EMBEDDING_FUNCTION.fullmatch(function):
            raise ValueError(
                'want "minilm", "collection", the name of a sentence-transformers model'
                ' (ORGANIZATION/MODEL) or "package.module:callable"'
            )
        return function


class Container(Table):
    """`[container]`: what the target `container` runs. Without a figure, the environment's applies."""

    image: str = "chromadb/chroma:1.5.9"
    data_dir: str = Field("/data", pattern="^/.")
    memory_mb: int | None = Field(None, ge=6)
    disk_mb: int | None = Field(None, ge=1)
    engine_pid_file: str | None = None
    engine_start: str | None = None


class Compat(Table):
    """`[compat]`: older releases whose backups are restored; where their servers are kept."""

    releases: tuple[str, ...] = ("1.0.0",)
    cache: str | None = None


class BackupPlan(Table):
    """`[[environments.NAME.backups]]`: a schedule. `at`: UTC; without it any hour is right."""

    every: Literal["daily", "weekly", "monthly"]
    at: str | None = Field(None, pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")
    keep_days: float = Field(gt=0)


class Environment(Table):
    """`[environments.NAME]`: what a deployment is there, and what may be done to it.

    `role`: production is only read; without one nothing there may be damaged. `exclusive`: nobody
    but drills uses it, so its volume may be rolled back. `objectives` win over `[objectives]`.
    """

    role: Literal["production", "staging", "scratch"] | None = None
    exclusive: bool = False
    url: str | None = None
    service: str | None = None
    volume: str | None = None
    backups: tuple[BackupPlan, ...] = ()
    objectives: dict[str, float] = Field(default_factory=dict)
    memory_mb: int | None = Field(None, ge=6)
    disk_mb: int | None = Field(None, ge=1)


class BackupTable(Table):
    """`[backups.NAME]`: where production's own backups lie, and how they are proven.

    `source`: a folder, "restic:REPOSITORY[#TAG or #/PATH][#host=HOST]", "command" (its `list` and
    `fetch`) or "target" (what the target's platform keeps); None: only recordings are kept.
    `recordings` is never empty once the tables are loaded. `taken`: what is done to the server for a
    backup; `running`: nothing, and a snapshot of its volume has what was on the disk by chance.
    """

    source: str | None = Field(None, min_length=1)
    list: str | None = Field(None, min_length=1)
    fetch: str | None = Field(None, min_length=1)
    timeout_s: float = Field(3600, gt=0)
    target: str | None = Field(None, min_length=1)
    taken: Literal["stopped", "frozen", "exported", "flushed", "running"] | None = None
    recordings: str = ""
    keep_days: float = Field(35, gt=0)
    least_coverage_percent: float = Field(50, ge=0, le=100)
    most_unseen_percent: float = Field(5, ge=0, le=100)
    stale_after_s: float | None = Field(None, gt=0)
    proven_within_s: float = Field(35 * 86_400, gt=0)


class Questions(Table):
    """`[questions]`: questions of the users with the ids that are right; None: none are asked.

    `least_hit_percent` leaves room for one question in ten: an approximate index misses a few, and what
    people call the right answer is not always the nearest vector.
    """

    file: str | None = Field(None, min_length=1)
    k: int = Field(10, ge=1, le=1000)
    least_hit_percent: float = Field(90, ge=0, le=100)
    most_asked: int = Field(1000, ge=1)


class Forecast(Table):
    """`[forecast]`: the size whose recovery time is foretold; without `records` nothing is measured.

    `mean_document_length` in characters; None: the lengths of the source's own documents. `sizes`:
    records that are rebuilt and restored for it.
    """

    records: int | None = Field(None, ge=1)
    mean_document_length: int | None = Field(None, ge=1)
    dimension: int = Field(384, ge=1)
    sizes: tuple[int, ...] = (1000, 2500, 6000)


class TargetTable(Table):
    """`[targets.NAME]`: where a target is, and what kind it is.

    Without a `kind` a table with a `url` is "remote", with `commands` beside it "command".
    """

    kind: str = "process"
    url: str | None = None
    home: str | None = None
    # kind "railway": names or ids; the token is never here
    project: str | None = None
    environment: str | None = None
    service: str | None = None
    endpoint: str | None = None
    # name -> text with {env:VARIABLE} in it: a value is never here
    headers: dict[str, str] = Field(default_factory=dict)
    # kind "command"
    commands: dict[str, str] = Field(default_factory=dict)
    timeouts_s: dict[str, float] = Field(default_factory=dict)
    shell: bool = False
    scopes: tuple[str, ...] = ("default_tenant/default_database",)

    @model_validator(mode="before")
    @classmethod
    def _kind_of_url(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("url") and "kind" not in table:
            return {**table, "kind": "command" if table.get("commands") else "remote"}
        return table

    @field_validator("scopes")
    @classmethod
    def _pairs(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        for scope in scopes:
            tenant, _, database = scope.rpartition("/")
            if not (tenant and database):
                raise ValueError(f"a scope is written TENANT/DATABASE, not '{scope}'")
        return scopes


class Settings(Table):
    """All tables. `origins` says for "table.key" where its value came from."""

    drill: DrillTable = DrillTable()  # type: ignore[call-arg]
    objectives: Objectives = Objectives()  # type: ignore[call-arg]
    targets: dict[str, TargetTable] = Field(default_factory=dict)
    container: Container = Container()  # type: ignore[call-arg]
    compat: Compat = Compat()
    environments: dict[str, Environment] = Field(default_factory=dict)
    backups: dict[str, BackupTable] = Field(default_factory=dict)
    questions: Questions = Questions()  # type: ignore[call-arg]
    contacts: Contacts = Contacts()
    evidence: Evidence = Evidence()  # type: ignore[call-arg]
    notify: Notify = Notify()
    monitoring: Monitoring = Monitoring()  # type: ignore[call-arg]
    betterstack: Betterstack = Betterstack()
    embedding: Embedding = Embedding()  # type: ignore[call-arg]
    source: Source = Source()  # type: ignore[call-arg]
    forecast: Forecast = Forecast()  # type: ignore[call-arg]
    origins: dict[str, str] = Field(default_factory=dict, repr=False)

    @field_validator("backups")
    @classmethod
    def _folders(cls, backups: dict[str, BackupTable]) -> dict[str, BackupTable]:
        return {
            name: table.model_copy(update={"recordings": table.recordings or f"recordings/{name}"})
            for name, table in backups.items()
        }

    def origin(self, key: str) -> str:
        return self.origins.get(key, "default")

    @property
    def limits(self) -> Environment:
        """Memory and disk of the drilled environment; what `[container]` names wins."""
        named = self.environments.get(self.environment or "", Environment())  # type: ignore[call-arg]
        return Environment(
            memory_mb=self.container.memory_mb or named.memory_mb,
            disk_mb=self.container.disk_mb or named.disk_mb,
        )

    @property
    def environment(self) -> str | None:
        """The environment that is drilled: the one named, else the target's own."""
        return self.drill.environment or self.environment_of(self.drill.target)

    def environment_of(self, target: str) -> str | None:
        """The environment in the target's table, else the one of its name; None without both."""
        table = self.targets.get(target)
        named = table.environment if table and table.environment else target
        return next((name for name in (named, target) if name in self.environments), None)

    def public(self) -> dict[str, Any]:
        """Every value with its origin, for the ledger. A command of the user's may hold a secret."""
        tables = self.model_dump(mode="json", exclude={"origins"})
        return {
            key: {"value": _masked(key, value), "from": self.origin(key)}
            for key, value in flatten(tables)
        }


def _masked(key: str, value: Any) -> Any:
    is_command = key.startswith("backups.") and isinstance(value, str)
    return mask_output(value) if is_command else value
