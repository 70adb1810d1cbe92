# finrag, which is one static program, in every build there is. /state keeps what survives a restart of its container, and
# belongs to the account that finrag runs as: it renews its certificate there.
FROM scratch
COPY releases/ /releases/
COPY --chown=65534:65534 state/ /state/
USER 65534:65534
ENTRYPOINT ["/releases/current/finrag"]
