"""What runs a flusher beside a server, as the text of each platform's own file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HEARTBEAT = "/tmp/flusher.json"  # noqa: S108 - in a container of its own


def _compose(every_s: float) -> str:
    return f"""\
# compose.yaml: a side-car on the server's own volume, which it only reads. The image is yours, with
# chromadrill in it. It has to run on the same machine as the server.
services:
  flush:
    image: chromadrill
    command: ["flush", "--path", "/data", "--every", "{every_s:g}", "--heartbeat", "{HEARTBEAT}"]
    entrypoint: ["chromadrill"]
    volumes: ["chroma-data:/data:ro"]
    restart: always
    healthcheck:
      test: ["CMD", "chromadrill", "flush", "--check", "--heartbeat", "{HEARTBEAT}"]
      interval: 30s
"""


def _kubernetes(every_s: float) -> str:
    return f"""\
# A container in the server's own pod (spec.containers), on its own volume, which it only reads. The
# image is yours, with chromadrill in it. `data` is the volume's name in the pod.
- name: flush
  image: chromadrill
  command: ["chromadrill", "flush", "--path", "/data", "--every", "{every_s:g}",
    "--heartbeat", "{HEARTBEAT}"]
  volumeMounts: [{{name: data, mountPath: /data, readOnly: true}}]
  livenessProbe:
    exec: {{command: ["chromadrill", "flush", "--check", "--heartbeat", "{HEARTBEAT}"]}}
    periodSeconds: 30
    timeoutSeconds: 10
"""


def _systemd(every_s: float) -> str:
    return f"""\
# /etc/systemd/system/chroma-flush.service; then: systemctl enable --now chroma-flush
# chroma.service is the server's own unit, /var/lib/chroma its data directory.
[Unit]
BindsTo=chroma.service
After=chroma.service
[Service]
RuntimeDirectory=chroma-flush
ExecStart=chromadrill flush --path /var/lib/chroma --every {every_s:g} \\
  --heartbeat %t/chroma-flush/flusher.json
Restart=always
[Install]
WantedBy=chroma.service
"""


def _railway(every_s: float) -> str:
    return f"""\
# A volume of Railway belongs to one service, and no second service can mount it: there is no side-car.
# The flusher runs in the server's own container, started with it. In the server's image, which has to
# have chromadrill in it, the start command is:
sh -c 'chromadrill flush --path /data --every {every_s:g} & exec chroma run /config.yaml'
# Not tried on Railway. Where the image cannot be changed, stop the server before each backup.
"""


TEMPLATES: Mapping[str, Callable[[float], str]] = {
    "compose": _compose,
    "kubernetes": _kubernetes,
    "systemd": _systemd,
    "railway": _railway,
}
