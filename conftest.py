"""Names the modules that wire the harness into pytest; nothing else belongs here."""

pytest_plugins = (
    "fixtures.options",
    "fixtures.run",
    "fixtures.progress",
    "fixtures.target",
    "fixtures.drill",
    "fixtures.source",
    "fixtures.paging",
    "fixtures.monitoring",
    "fixtures.spoiled",
    "fixtures.allure_extras",
    "fixtures.telling",
    "fixtures.sabotage",
    "fixtures.measured",
    "fixtures.latency",
    "fixtures.baseline",
)
