# A gate holds the network of one component, so that its addresses and its packet filter outlive a kill of the component.
FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends iptables \
 && rm -rf /var/lib/apt/lists/*
COPY gate.sh /gate.sh
CMD ["tail", "-f", "/dev/null"]
