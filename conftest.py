"""Names the modules that wire the harness into pytest; nothing else belongs here."""

pytest_plugins = (
    "fixtures.garbage",
    "fixtures.marks",
    "fixtures.options",
    "fixtures.run",
    "fixtures.redacted_reports",
    "fixtures.progress",
    "fixtures.embedder",
    "fixtures.scratch",
    "fixtures.seeded_store",
    "fixtures.target",
    "fixtures.drill",
    "fixtures.backups",
    "fixtures.postgres",
    "fixtures.alerts",
    "fixtures.allure_extras",
    "fixtures.allure_disk",
    "fixtures.notify",
    "fixtures.result_tables",
    "fixtures.latency",
    "fixtures.latency_baseline",
)
