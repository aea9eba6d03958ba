# Programs that the bench compares with, each in a version of its own, kept in the cache. Sourced, never run.
# One that cannot be had is said to be missing; the bench then skips it with a word.
# shellcheck shell=bash

PEERS="$CACHE/peers"

# peer NAME VERSION COMMAND...: makes $PEERS/bin/NAME by the command unless it is there in that version.
peer() {
    local name=$1 version=$2
    shift 2
    if [[ -x $PEERS/bin/$name && $(cat "$PEERS/bin/$name.version" 2>/dev/null) == "$version" ]]; then
        return 0
    fi
    if stage "$name $version" quiet "peer-$name" "$@"; then
        printf '%s\n' "$version" >"$PEERS/bin/$name.version"
    else
        warn "$name is left out."
    fi
}

go_install() { GOBIN="$PEERS/bin" GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 go install "$1"; }

# Its module has no listing of versions, which `go install` asks for: a module of our own names the version.
structure_test() {
    local folder="$PEERS/structure-test" module=github.com/GoogleContainerTools/container-structure-test
    mkdir -p "$folder"
    printf 'module peers\n\ngo 1.24\n\nrequire %s v%s\n' "$module" "$1" >"$folder/go.mod"
    printf 'package peers\n\nimport _ "%s/cmd/container-structure-test"\n' "$module" >"$folder/peers.go"
    (cd "$folder" && GOFLAGS="-mod=mod -buildvcs=false -trimpath" CGO_ENABLED=0 \
        go build -o "$PEERS/bin/container-structure-test" "$module/cmd/container-structure-test")
}

check50() {
    python3 -m venv "$PEERS/check50" && "$PEERS/check50/bin/python" -m pip install -q "check50==$1" setuptools &&
        ln -sf ../check50/bin/check50 "$PEERS/bin/check50"
}

rustlings() { cargo install -q --locked --root "$PEERS" "rustlings@$1"; }

set_up_peers() {
    mkdir -p "$PEERS/bin"
    peer rustlings 6.5.0 rustlings 6.5.0
    peer check50 3.5.0 check50 3.5.0
    if have go; then
        peer container-structure-test 1.22.1 structure_test 1.22.1
        peer dive 0.13.1 go_install github.com/wagoodman/dive@v0.13.1
        peer syft 1.57.0 go_install github.com/anchore/syft/cmd/syft@v1.57.0
    else
        warn "Without go, container-structure-test, dive and syft are left out."
    fi
}
