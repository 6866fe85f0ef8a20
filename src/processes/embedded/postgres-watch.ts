/**
 * Runs the server and ends it when standard input ends, which happens when the process at the pipe's other end does, even by
 * kill -9. Fast shutdown first; immediate after 3 s, which the write-ahead log makes good at the next start; kill after 4.5 s.
 * Arguments: the socket's folder, where the server's pid is written to `pid`, removed at the end; the log file; the server's command.
 * Only POSIX sh and builtins that block without a child, so that nothing is left behind.
 */
export const WATCH_SCRIPT = `
sockets=$1; log=$2; shift 2
exec 3<&0 </dev/null >>"$log" 2>&1
trap '' HUP INT QUIT
"$@" 3<&- &
server=$!
echo "$server" > "$sockets/pid"
(
  while read -r _ <&3; do :; done
  kill -INT "$server" 2>/dev/null || exit 0
  ticks=0
  while kill -0 "$server" 2>/dev/null; do
    sleep 0.1
    ticks=$((ticks + 1))
    if [ "$ticks" -eq 30 ]; then kill -QUIT "$server" 2>/dev/null; fi
    if [ "$ticks" -eq 45 ]; then kill -KILL "$server" 2>/dev/null; fi
  done
) &
watch=$!
exec 3<&-
wait "$server"
code=$?
kill "$watch" 2>/dev/null
rm -rf -- "$sockets"
exit "$code"
`;
