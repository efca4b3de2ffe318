# Sourced by shell benchmarks after sandbox.sh: their figures, as tests/support/bench.h prints them.
#     bench_ratio NAME OURS OTHER TARGET UNIT; bench_limit NAME OURS LIMIT UNIT; bench_end
BENCH_MISSED=0
bench_line() { # NAME OURS OTHER RATIO TARGET
    result=$(awk -v r="$4" -v t="$5" 'BEGIN { print r <= t ? "met" : "missed" }')
    printf '%-44s %14s %14s %7.2f %7.2f  %s\n' "$1" "$2" "$3" "$4" "$5" "$result"
    [ "$result" = met ] || BENCH_MISSED=1
}
bench_ratio() { bench_line "$1" "$2 $5" "$3 $5" "$(awk -v a="$2" -v b="$3" 'BEGIN { print a / b }')" "$4"; }
bench_limit() { bench_line "$1" "$2 $4" "limit $3 $4" "$(awk -v a="$2" -v b="$3" 'BEGIN { print a / b }')" 1; }
bench_now_ms() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }
bench_median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
# In the place of sandbox.sh's own end: figures are no tests.
bench_end() { rc=$?; rm -rf "$S"; [ "$rc" = 0 ] && [ "$BENCH_MISSED" = 0 ]; exit $?; }
