#!/usr/bin/env bash
# What watchers cost while nothing happens: `timberline up` beside `timberline serve`, under Xvfb with one window.
# Usage: benches/idle.sh target/release/timberline. It takes five minutes, and needs xvfb, openbox, xterm and dbus.
# Prints for each process the voluntary context switches of all threads (wake-ups), CPU ticks of 10 ms and anonymous memory in KiB,
# before and after a minute in which the window is new, and before and after a minute in which nobody is there.
set -euo pipefail
program=$(realpath "$1")
dir=$(mktemp -d)
export HOME=$dir XDG_RUNTIME_DIR=$dir DISPLAY=:79 XDG_SESSION_TYPE=x11
unset WAYLAND_DISPLAY
trap 'kill ${up:-} $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
Xvfb :79 -screen 0 1280x800x24 -nolisten tcp -noreset >/dev/null 2>&1 &
until xdpyinfo >/dev/null 2>&1; do sleep 0.2; done
openbox --sm-disable >/dev/null 2>&1 &
xterm -class Editor -e sh -c 'sleep 600' &
sleep 1
dbus-run-session -- sh -c 'echo $$ >"$HOME/up"; exec "$0" up --port 5891 --dbpath "$HOME/data-up"' "$program" >/dev/null 2>&1 &
"$program" serve --port 5892 --dbpath "$dir/data-serve" >/dev/null 2>&1 &
serve=$!
sleep 5
up=$(cat "$dir/up")
sample() {
	for pair in "up $up" "serve $serve"; do
		read -r name pid <<<"$pair"
		echo "$1 $name: $(cat /proc/"$pid"/task/*/status | awk '/^voluntary_ctxt/ { n += $2 } END { print n }') wake-ups," \
			"$(awk '{ print $14 + $15 }' /proc/"$pid"/stat) ticks, $(awk '/RssAnon/ { print $2 }' /proc/"$pid"/status) KiB"
	done
}
sleep 20
sample "new window, 0 s"
sleep 60
sample "new window, 60 s"
sleep 150
sample "nobody there, 0 s"
sleep 60
sample "nobody there, 60 s"
