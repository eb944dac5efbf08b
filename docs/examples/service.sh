#!/bin/sh
# A service manager in one page: what systemd, a container engine or a cloud does, over one process.
# CHROMA_HOME: where its data, log and snapshots lie. CHROMA_PORT: where it answers.
set -eu
home=${CHROMA_HOME:?} port=${CHROMA_PORT:-8123}
mkdir -p "$home/data" "$home/snapshots"

pid() { cat "$home/pid" 2>/dev/null; }
status() { p=$(pid) && kill -0 "$p" 2>/dev/null && grep -q chroma "/proc/$p/cmdline"; }
down() {
  status || return 0
  kill -"$1" "$(pid)"
  n=0
  while status; do
    n=$((n + 1))
    [ $n -lt 150 ] || { echo "it does not end" >&2; exit 1; }
    sleep 0.1
  done
}

case "$1" in
  start)
    status && { echo "it runs already" >&2; exit 1; }
    setsid chroma run --path "$home/data" --port "$port" >>"$home/log" 2>&1 </dev/null &
    echo $! >"$home/pid" ;;
  stop) down TERM ;;
  kill) down KILL ;;
  status) status ;;
  snapshot) cp -a "$home/data" "$home/snapshots/$2" ;;
  snapshots)
    for each in "$home"/snapshots/*; do
      [ -d "$each" ] || continue
      # a copy keeps the times of the original; its folder's own change is when it was made
      echo "$(basename "$each") $(date -u -d "@$(stat -c %Z "$each")" +%FT%TZ) $(du -sb "$each" | cut -f1)"
    done ;;
  restore)
    [ -d "$home/snapshots/$2" ] || { echo "no snapshot $2" >&2; exit 1; }
    rm -rf "$home/data"
    cp -a "$home/snapshots/$2" "$home/data" ;;
  logs) tail -n "$2" "$home/log" ;;
  *) echo "start stop kill status snapshot snapshots restore logs" >&2; exit 64 ;;
esac
