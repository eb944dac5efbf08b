"""Jobs that record before and after a backup, as the text of each scheduler's own file.

One time table for both: 15 minutes before the backup begins, and an hour after that.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chromadrill.core.errors import UsageError

BEFORE_MIN, DAY_MIN = 15, 24 * 60
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class RecordJob:
    """`command`: what records, its words. `folder`: with drill.toml and the recordings. `at`: HH:MM.

    `user`: whom the recordings belong to: nobody else can read them.
    """

    command: Sequence[str]
    folder: str
    at: str
    user: str

    @property
    def minute(self) -> int:
        """Of the hour, of both recordings."""
        return self._before % 60

    @property
    def hours(self) -> tuple[int, int]:
        """Of the recording before the backup, and of the one after it."""
        return self._before // 60, (self._before // 60 + 1) % 24

    @property
    def cron(self) -> str:
        """Both times, as cron says them."""
        return f"{self.minute} {self.hours[0]},{self.hours[1]} * * *"

    @property
    def _before(self) -> int:
        match = _TIME.fullmatch(self.at)
        if match is None:
            raise UsageError(f"--at {self.at}: the hour that the backup begins is written HH:MM.")
        return (int(match[1]) * 60 + int(match[2]) - BEFORE_MIN) % DAY_MIN


def _cron(job: RecordJob) -> str:
    # a `%` is the end of the command; what is printed is mailed, so a recording that went well is silent
    folder, command = shlex.quote(job.folder), shlex.join(job.command)
    line = f'cd {folder} && out=$({command} 2>&1) || echo "$out"'.replace("%", r"\%")
    return f"""\
# crontab -e, below CRON_TZ=UTC: recordings around the backup of {job.at}. A failed one is mailed.
{job.cron} {line}
"""


def _systemd(job: RecordJob) -> str:
    def escaped(text: str) -> str:
        return text.replace("%", "%%")

    words = " ".join(
        word if re.fullmatch(r"[\w@+=:,./-]+", word) else json.dumps(word, ensure_ascii=False)
        for word in job.command
    ).replace("$", "$$")
    hours = f"{job.hours[0]:02},{job.hours[1]:02}"
    return f"""\
# /etc/systemd/system/chromadrill-record.service
[Service]
Type=oneshot
User={job.user}
WorkingDirectory={escaped(job.folder)}
ExecStart={escaped(words)}
# /etc/systemd/system/chromadrill-record.timer; then: systemctl enable --now chromadrill-record.timer
[Timer]
OnCalendar=*-*-* {hours}:{job.minute:02}:00 UTC
[Install]
WantedBy=timers.target
"""


def _github(job: RecordJob) -> str:
    return f"""\
# .github/workflows/record.yml: a runner of yours, which reaches the server and keeps the folder
name: record
on: {{schedule: [{{cron: "{job.cron}"}}]}}
jobs:
  record:
    runs-on: self-hosted
    steps:
      - run: {json.dumps(shlex.join(job.command))}
        working-directory: {json.dumps(job.folder)}
"""


def _gitlab(job: RecordJob) -> str:
    command = f"cd {shlex.quote(job.folder)} && {shlex.join(job.command)}"
    return f"""\
# .gitlab-ci.yml: a runner of yours, which reaches the server and keeps the folder.
# Build > Pipeline schedules: {job.cron} (UTC), with the variable RECORD = yes
record:
  tags: [self-hosted]
  rules: [{{if: '$RECORD == "yes"'}}]
  script:
    - {json.dumps(command)}
"""


def _kubernetes(job: RecordJob) -> str:
    command = ["chromadrill", *job.command[job.command.index("record") :]]
    return f"""\
# The image is yours, with chromadrill in it. The claim has drill.toml, and keeps the recordings.
apiVersion: batch/v1
kind: CronJob
metadata: {{name: chromadrill-record}}
spec: {{schedule: "{job.cron}", timeZone: Etc/UTC, jobTemplate: {{spec: {{template: {{spec: {{
  restartPolicy: Never,
  volumes: [{{name: drill, persistentVolumeClaim: {{claimName: chromadrill}}}}],
  containers: [{{name: record, image: chromadrill, workingDir: /drill,
    volumeMounts: [{{name: drill, mountPath: /drill}}],
    command: {json.dumps(command)}}}]}}}}}}}}}}
"""


TEMPLATES: Mapping[str, Callable[[RecordJob], str]] = {
    "cron": _cron,
    "systemd": _systemd,
    "github": _github,
    "gitlab": _gitlab,
    "kubernetes": _kubernetes,
}
