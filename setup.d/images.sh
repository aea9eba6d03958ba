# The base images that Dockerfiles here build on: from a registry, else stand-ins made of Debian
# packages. Sourced, never run.
#
# A stand-in is made only where the image is absent and no registry answers, and bears the label
# `stand-in=true`, which whatever is built on it inherits: evidence shows it. It has the layout of
# the official image (python and pip in /usr/local, Debian below), not its contents.
# shellcheck shell=bash

PYTHON_IMAGE=python:3.13-slim
# shellcheck disable=SC2153  # set by whoever sources this
STAND_INS="$ROOT/setup.d/stand-ins"

# The same for demo and tests: both judge every exercise that needs no cloud.
images_for() { printf '%s\n' "$PYTHON_IMAGE" hello-world postgres:16 redis:7; }

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }

is_stand_in() {
    [[ $(docker image inspect --format '{{index .Config.Labels "stand-in"}}' "$1" 2>/dev/null) == true ]]
}

# What a stand-in is made from: a change of the recipes, of the certificates that this machine
# trusts or of where its pip looks makes a new one.
make_recipe_key() {
    { cat "$ROOT/setup.d/images.sh" "$STAND_INS"/*; machine_certificates; pip_settings; } | sha256sum | cut -c1-16
}

stand_in_record() { printf '%s/stand-in-%s\n' "$CACHE" "${1//[:\/]/-}"; }

is_current() {
    local image=$1
    [[ "$RECIPE_KEY $(image_id "$image")" == "$(cat "$(stand_in_record "$image")" 2>/dev/null)" ]]
}

is_ready() { image_id "$1" >/dev/null && { ! is_stand_in "$1" || is_current "$1"; }; }

# 0: the image is here now; 3: no registry answers; 1: one answers and does not give it.
# In the last case a stand-in would hide what is wrong, and poison later builds.
pull() {
    local image=$1 log="$CACHE/pull.log"
    timeout 600 docker pull -q "$image" >"$log" 2>&1 && return 0
    registry_is_silent "$log" && return 3
    warn "A registry answers but does not give $image: $(tail -n 1 "$log")"
    return 1
}

# ---- stand-ins -------------------------------------------------------------------------------

machine_certificates() {
    local file
    for file in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
        if [[ -n $file && -f $file ]]; then
            cat "$file"
            return
        fi
    done
}

# pip inside a build looks where pip on this machine looks. The certificates are named in a file of
# their own because an `apt-get install ca-certificates` in a build writes the usual one anew.
pip_settings() {
    printf '[global]\ncert = /etc/ssl/certs/stand-in.pem\n'
    # No Python or no pip here: nothing that its index could be read from.
    { python3 -m pip config list 2>/dev/null || true; } |
        sed -nE "s/^(global|:env:)\.(index-url|extra-index-url|trusted-host)='(.*)'$/\2 = \3/p"
}

# Debian with Python as an archive: the slow part, so it is kept by the text of its recipe.
# shellcheck disable=SC2016  # mmdebstrap gives its hooks the folder as $1
python_root() {
    mmdebstrap --variant=minbase --include=ca-certificates,python3-minimal,python3-venv \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='chroot "$1" python3 -m venv --copies /usr/local' \
        --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/log/*' \
        "$NEWER_SUITE" "$1" "$(debian_mirror)"
}

python_root_version() { declare -f python_root | sha256sum | cut -c1-12; }

python_root_archive() {
    local archive
    archive="$CACHE/python-root-$(python_root_version)-$(uname -m).tar"
    if [[ ! -s $archive ]]; then
        # A half-written archive must never be taken for a whole one.
        rm -f "$CACHE"/python-root-*.tar
        quiet mmdebstrap python_root "$archive.new.tar" && mv "$archive.new.tar" "$archive" || return 1
    fi
    printf '%s\n' "$archive"
}

# build_stand_in IMAGE FOLDER [BUILD-ARG...]: builds and notes down from which recipe.
build_stand_in() {
    local image=$1 folder=$2
    shift 2
    quiet "build-${image//[:\/]/-}" docker build --label stand-in=true --label "stand-in.of=$image" \
        -t "$image" "$@" "$folder" || return 1
    printf '%s %s' "$RECIPE_KEY" "$(image_id "$image")" >"$(stand_in_record "$image")"
}

# The same as an image without a label, and its name: all stand-ins with a Debian below build on it.
root_image() {
    local image archive
    image="stand-in-root:$(python_root_version)"
    if ! image_id "$image" >/dev/null; then
        archive=$(python_root_archive) || return 1
        quiet import docker import -c 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
            -c 'CMD ["python3"]' "$archive" "$image" || return 1
    fi
    printf '%s\n' "$image"
}

make_on_debian() {
    local image=$1 name=${1%%:*} root folder code=0
    root=$(root_image) && folder=$(mktemp -d) || return 1
    machine_certificates >"$folder/stand-in.pem"
    pip_settings >"$folder/pip.conf"
    cp "$STAND_INS/$name.Dockerfile" "$folder/Dockerfile"
    cp "$STAND_INS/$name-entrypoint.sh" "$folder/docker-entrypoint.sh" 2>/dev/null || true
    build_stand_in "$image" "$folder" --build-arg "ROOT_IMAGE=$root" || code=$?
    rm -rf "$folder"
    return "$code"
}

make_hello() {
    local folder code=0
    folder=$(mktemp -d) || return 1
    cp "$STAND_INS/hello.c" "$folder/"
    printf 'FROM scratch\nCOPY hello /hello\nCMD ["/hello"]\n' >"$folder/Dockerfile"
    quiet hello cc -static -Os -s -o "$folder/hello" "$folder/hello.c" &&
        build_stand_in hello-world "$folder" || code=$?
    rm -rf "$folder"
    return "$code"
}

make_stand_in() {
    case $1 in
        hello-world) make_hello ;;
        *) make_on_debian "$1" ;;
    esac
}
