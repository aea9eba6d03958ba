# Words and small tools that setup, demo and test share. Sourced, never run.
# shellcheck shell=bash

# Everything that takes long to make is kept here, by version, and may be deleted at any time.
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/grader-setup"
mkdir -p "$CACHE"

say()  { printf '%s\n' "$@"; }
fact() { printf '  %-12s %s\n' "$1" "$2"; }
warn() { printf '%s\n' "$@" >&2; }

# die CODE MESSAGE...: 1 something failed, 2 wrong usage, 3 not ready and why.
die() {
    local code=$1
    shift
    warn "$@"
    exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Nobody can answer a question in CI or without a terminal.
can_ask() { [[ ${CI:-} != true && -t 0 && -t 1 ]]; }

# stage WORDS COMMAND...: runs it and says how long it took, whatever came of it.
stage() {
    local words=$1 started=$SECONDS code=0
    shift
    "$@" || code=$?
    printf '  %5s s  %s%s\n' "$((SECONDS - started))" "$words" "$( ((code)) && echo ': failed')"
    return "$code"
}

# quiet LOG COMMAND...: the output goes to a file, of which the end is shown when it fails.
quiet() {
    local log="$CACHE/$1.log" code=0
    shift
    "$@" >"$log" 2>&1 </dev/null || code=$?
    if ((code)); then
        warn "failed: $* (whole output: $log)"
        tail -n 25 "$log" >&2
    fi
    return "$code"
}

# Whether what a client logged means that no registry could be reached, and not that one said no.
registry_is_silent() {
    grep -qiE 'no such host|connection refused|no route to host|unreachable|time-?out|deadline exceeded|proxyconnect|server misbehaving|name resolution|x509|EOF|reset by peer' "$1"
}

# A docker of before 2023 builds without BuildKit, and so without cache mounts, unless it is told.
export DOCKER_BUILDKIT=1

engine_answers() { have docker && timeout 20 docker info >/dev/null 2>&1; }
