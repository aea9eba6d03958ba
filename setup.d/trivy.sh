# Trivy and its database: what is there is used; else Trivy is built from its Go module, and where no
# registry gives a database, a stand-in is made from the advisories in setup.d/trivy-db. Sourced, never run.
#
# The stand-in is in Trivy's own format, so scanner, flags and report are the real ones; only the list of
# vulnerabilities is short, and says so in metadata.json.
# shellcheck shell=bash

TRIVY_VERSION=0.74.0
# Known to be without foreign code, unlike 0.69.4 to 0.69.6.
TRIVY_LEAST=0.50.0
# What Trivy's go.mod asks for.
TRIVY_GO=1.26.3
# An older go cannot fetch a newer one.
GO_LEAST=1.21

# shellcheck disable=SC2153  # set by whoever sources this
TRIVY_DB_RECIPE="$ROOT/setup.d/trivy-db"

# at_least VERSION LEAST
at_least() { [[ -n $1 && $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

go_version() { go env GOVERSION 2>/dev/null | sed -n 's/^go\([0-9.]*\).*/\1/p'; }
go_is_usable() { have go && at_least "$(go_version)" "$GO_LEAST"; }

version_of_trivy() { timeout 20 "$1" --version 2>/dev/null | sed -n 's/^Version: v\{0,1\}\([0-9.]*\).*/\1/p' | head -n 1; }

# The Trivy that this machine has; its version must do, and must not be one that was tampered with.
trivy_in_path() {
    local version
    have trivy || return 1
    version=$(version_of_trivy trivy)
    [[ $version != 0.69.[456] ]] && at_least "$version" "$TRIVY_LEAST"
}

trivy_built() { [[ -x $CACHE/trivy-$TRIVY_VERSION/trivy ]]; }
trivy_is_there() { trivy_in_path || trivy_built; }

# ---- the program -----------------------------------------------------------------------------

# A go that is new enough. One older than Trivy's go.mod fetches a newer one as a module; it must be
# fetched first, since the older one does not know the experiment that Trivy needs.
go_for_trivy() {
    if at_least "$(go_version)" "$TRIVY_GO"; then
        command -v go
    else
        local root
        root=$(GOTOOLCHAIN="go$TRIVY_GO" go env GOROOT) && printf '%s/bin/go\n' "$root"
    fi
}

build_trivy() {
    local folder="$CACHE/trivy-$TRIVY_VERSION" new go code=0
    new="$folder/new.$$"
    mkdir -p "$new" || return 1
    go=$(go_for_trivy) || return 1
    GOTOOLCHAIN=local GOEXPERIMENT=jsonv2 GOBIN="$new" GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 \
        quiet trivy-build "$go" install \
        -ldflags "-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=$TRIVY_VERSION" \
        "github.com/aquasecurity/trivy/cmd/trivy@v$TRIVY_VERSION" || code=1
    # Only a whole one ever bears the name.
    ((code)) || mv -f "$new/trivy" "$folder/trivy" || code=1
    rm -rf "$new"
    return "$code"
}

# ---- its database ----------------------------------------------------------------------------

# Where Trivy keeps its own, whatever `use_trivy` has chosen since.
TRIVY_OWN=${TRIVY_CACHE_DIR:-}
trivy_cache() {
    if [[ -n $TRIVY_OWN ]]; then
        printf '%s\n' "$TRIVY_OWN"
    elif [[ $(uname) == Darwin ]]; then
        printf '%s\n' "$HOME/Library/Caches/trivy"
    else
        printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/trivy"
    fi
}

# database_is_new FOLDER DAYS: made within so many days.
database_is_new() {
    [[ -s $1/db/trivy.db && -n $(find "$1/db/metadata.json" -mtime "-$2" 2>/dev/null) ]]
}

trivy_stand_in() {
    printf '%s/trivy-db-%s\n' "$CACHE" "$(cat "$TRIVY_DB_RECIPE"/* | sha256sum | cut -c1-12)"
}

make_trivy_stand_in() {
    local folder new code=0
    folder=$(trivy_stand_in) new="$(trivy_stand_in).new.$$"
    mkdir -p "$new" || return 1
    # The program that makes it is kept: a database is made anew each day.
    if [[ -x $folder/make ]]; then
        cp "$folder/make" "$new/make"
    else
        (cd "$TRIVY_DB_RECIPE" && GOTOOLCHAIN="go$TRIVY_GO+auto" GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 \
            quiet trivy-db-build go build -o "$new/make" .) || code=1
    fi
    ((code)) || quiet trivy-db "$new/make" "$new/db" || code=1
    if ((code == 0)); then
        rm -rf "$folder" && mv "$new" "$folder" || code=1
    fi
    rm -rf "$new"
    return "$code"
}

# 0: Trivy has its own database; 3: no registry answers; 1: one answers and gives none.
download_trivy_database() {
    local log="$CACHE/trivy-download.log"
    TRIVY_CACHE_DIR=$(trivy_cache) timeout 600 trivy image --download-db-only --no-progress >"$log" 2>&1 </dev/null && return 0
    registry_is_silent "$log" && return 3
    warn "A registry answers but does not give Trivy's database: $(tail -n 1 "$log")"
    return 1
}

# ---- all of it -------------------------------------------------------------------------------

# Lets what is called next find Trivy and its database.
use_trivy() {
    trivy_in_path || ! trivy_built || PATH="$CACHE/trivy-$TRIVY_VERSION:$PATH"
    if ! database_is_new "$(trivy_cache)" 7 && [[ -s $(trivy_stand_in)/db/trivy.db ]]; then
        export TRIVY_CACHE_DIR
        TRIVY_CACHE_DIR=$(trivy_stand_in)
    fi
    export PATH
}

# What would be done, in words; nothing where all is there.
plan_trivy() {
    trivy_is_there || printf '%s\n' "build Trivy $TRIVY_VERSION from its Go module, some ten minutes beside the rest"
}

set_up_trivy() {
    local code=0
    if ! trivy_is_there; then
        go_is_usable || die 3 "Trivy is missing, and there is no go of $GO_LEAST or newer to build it with. Install either:" \
            "https://trivy.dev/latest/getting-started/installation/ or https://go.dev/doc/install"
        stage "build Trivy $TRIVY_VERSION" build_trivy || exit 1
    fi
    use_trivy
    fact trivy "$(version_of_trivy trivy), $(command -v trivy)"
    # A day old is a day behind; where nobody answers, what is there is made or used.
    if ! database_is_new "$(trivy_cache)" 1 && ! database_is_new "$(trivy_stand_in)" 1; then
        download_trivy_database || code=$?
        if ((code == 3)); then
            go_is_usable || [[ -x $(trivy_stand_in)/make ]] ||
                die 3 "No registry gives Trivy's database, and there is no go of $GO_LEAST or newer to make a stand-in with."
            stage "make a stand-in for Trivy's database" make_trivy_stand_in || exit 1
        elif ((code)); then
            exit 1
        fi
    fi
    use_trivy
    local about
    about="${TRIVY_CACHE_DIR:-$(trivy_cache)}/db/metadata.json"
    fact "trivy data" "$(sed -n 's/.*"UpdatedAt":"\([0-9-]*\).*/\1/p' "$about")$(grep -q StandIn "$about" && echo ' (a stand-in with a handful of advisories)'), ${about%/db/metadata.json}"
}

# Beside whatever else goes on: start it, and wait for it where it is needed.
start_trivy() {
    TRIVY_LOG="$CACHE/trivy-setup.log"
    ./setup --yes --for "$1" --only trivy >"$TRIVY_LOG" 2>&1 </dev/null &
    TRIVY_PID=$!
}

wait_for_trivy() {
    [[ -n ${TRIVY_PID:-} ]] || return 0
    local code=0
    wait "$TRIVY_PID" || code=$?
    TRIVY_PID=""
    cat "$TRIVY_LOG"
    use_trivy
    return "$code"
}
