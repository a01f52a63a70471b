#!/bin/sh
# The modules export luaopen_* only: `symbols.sh FILE.so…`.
set -u
status=0
for so in "$@"; do
	extra=$(nm -D --defined-only "$so" | awk '{print $3}' | grep -v '^luaopen_' || true)
	count=$(nm -D --defined-only "$so" | grep -c ' luaopen_')
	if [ -n "$extra" ] || [ "$count" != 1 ]; then
		echo "$so: must export exactly one luaopen_*, exports also:" $extra
		status=1
	fi
done
exit $status
