#!/usr/bin/env bash
# What watchers cost while nothing happens: `timberline up` beside `timberline serve`, under Xvfb with one window.
# Usage: [SCREEN=79] benches/idle.sh target/release/timberline [ROUNDS]. A round takes a bit over five minutes. It needs xvfb, openbox, xterm, x11-utils
# and dbus. A debug build wakes up as often; only its CPU ticks are more.
# Prints what `up` costs above `serve` in a minute in which the window is new, and in a minute in which nobody is there: wake-ups (voluntary
# context switches of all threads), CPU ticks of 10 ms and anonymous memory; and which threads of `up` wake up.
set -euo pipefail
program=$(realpath "$1")
rounds=${2:-1}
dir=$(mktemp -d)
# Two of these at the same time, to compare programs, need two screens.
screen=${SCREEN:-79}
export HOME=$dir XDG_RUNTIME_DIR=$dir DISPLAY=:$screen XDG_SESSION_TYPE=x11
unset WAYLAND_DISPLAY
stop() {
	for process in ${up:-} $(jobs -p); do kill "$process" 2>/dev/null || true; done
	# `up` is no child of this shell, and writes to the directory until it has ended.
	while [ -n "${up:-}" ] && kill -0 "$up" 2>/dev/null; do sleep 0.2; done
	wait
	up=
}
trap 'stop; rm -rf "$dir"' EXIT

# The threads of a process, a line for each: its number, name and wake-ups.
threads() {
	for task in /proc/"$1"/task/*; do
		echo "${task##*/} $(tr ' ' _ <"$task/comm") $(awk '/^voluntary_ctxt/ { print $2 }' "$task/status")"
	done
}
sample() {
	threads "$2" >"$dir/$1.threads"
	awk '{ print $14 + $15 }' /proc/"$2"/stat >"$dir/$1.ticks"
	awk '/RssAnon/ { print $2 }' /proc/"$2"/status >"$dir/$1.memory"
}
# Wake-ups of a process between two samples.
woken() { awk 'NR == FNR { before[$1] = $3; next } { n += $3 - before[$1] } END { print n + 0 }' "$dir/$1.0.threads" "$dir/$1.1.threads"; }
ticks() { echo $(($(cat "$dir/$1.1.ticks") - $(cat "$dir/$1.0.ticks"))); }
minute() {
	sample up.0 "$up"
	sample serve.0 "$serve"
	sleep 60
	sample up.1 "$up"
	sample serve.1 "$serve"
	echo "$1: $(awk "BEGIN { printf \"%.2f\", ($(woken up) - $(woken serve)) / 60 }") wake-ups/s," \
		"$(($(ticks up) - $(ticks serve))) ticks, $(($(cat "$dir/up.1.memory") - $(cat "$dir/serve.1.memory"))) KiB above the server"
	awk 'NR == FNR { before[$1] = $3; next } { by[$2] += $3 - before[$1] }
		END { for (name in by) if (by[name]) printf "    %-16s %4d\n", name, by[name] }' "$dir/up.0.threads" "$dir/up.1.threads" | sort
}

for _ in $(seq "$rounds"); do
	Xvfb ":$screen" -screen 0 1280x800x24 -nolisten tcp -noreset >/dev/null 2>&1 &
	until xdpyinfo >/dev/null 2>&1; do sleep 0.2; done
	openbox --sm-disable >/dev/null 2>&1 &
	until xprop -root _NET_SUPPORTING_WM_CHECK | grep -q 'window id'; do sleep 0.2; done
	xterm -class Editor -e sh -c 'sleep 600' >/dev/null 2>&1 &
	# A window without the focus would not be recorded, and cost nothing.
	until xprop -root _NET_ACTIVE_WINDOW | grep -q '0x[0-9a-f]*[1-9a-f]'; do sleep 0.2; done
	rm -rf "$dir"/data-*
	dbus-run-session -- sh -c 'echo $$ >"$HOME/up"; exec "$0" up --port "$1" --dbpath "$HOME/data-up"' "$program" "57$screen" >/dev/null 2>&1 &
	"$program" serve --port "58$screen" --dbpath "$dir/data-serve" >/dev/null 2>&1 &
	serve=$!
	until curl -fs http://127.0.0.1:57$screen/api/0/info >/dev/null && curl -fs http://127.0.0.1:58$screen/api/0/info >/dev/null; do sleep 0.2; done
	up=$(cat "$dir/up")
	sleep 20
	minute "a new window"
	sleep 150
	minute "nobody there"
	stop
done
