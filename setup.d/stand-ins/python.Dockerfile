# Laid over Debian with Python: what this machine must add so that pip reaches its index from a build.
ARG ROOT_IMAGE
FROM ${ROOT_IMAGE}
COPY stand-in.pem /etc/ssl/certs/ca-certificates.crt
COPY stand-in.pem /etc/ssl/certs/stand-in.pem
COPY pip.conf /etc/pip.conf
