# finrag, which is one static program. /state keeps what survives a restart of its container.
FROM scratch
COPY finrag /finrag
COPY --chown=65534:65534 state/ /state/
USER 65534:65534
ENTRYPOINT ["/finrag"]
