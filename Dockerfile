# The service in an image: built from the same locks as `make run`, run by a user without rights on a root that may be read-only.
#   docker build -t queue-server . && docker run --rm --read-only --tmpfs /tmp -p 8080:8080 -p 8081:8081 -v queue:/var/lib/queue queue-server

# `make pin` adds the digest where an image registry can be reached.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Each step copies only what it needs, so that a change of the code fetches no package again.
COPY requirements-build.lock requirements-node.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements-build.lock -r requirements-node.lock

COPY requirements.lock ./
RUN python -m venv /opt/queue-server \
    && /opt/queue-server/bin/pip install --require-hashes --only-binary :all: -r requirements.lock

COPY package.json package-lock.json .npmrc ./
COPY ui_kit/package.json ui_kit/
COPY kiosk_ui/package.json kiosk_ui/
COPY display/package.json display/
COPY staff_ui/package.json staff_ui/
RUN npm ci --ignore-scripts

COPY . .
RUN npm run build \
    && hatchling build -t wheel -d /wheel \
    && /opt/queue-server/bin/pip install --no-deps --no-index /wheel/*.whl \
    && /opt/queue-server/bin/pip uninstall --yes pip setuptools


FROM ${BASE}
# PostgreSQL refuses to run as root, and wants its user to have a name.
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/queue queue \
    && install --directory --owner queue --mode 0700 /var/lib/queue
COPY --from=build /opt/queue-server /opt/queue-server

ENV PATH=/opt/queue-server/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUEUE_DATA_DIR=/var/lib/queue \
    QUEUE_HTTP_HOST=0.0.0.0 \
    QUEUE_PUSH_HOST=0.0.0.0
# Nothing is written outside this volume: the root may be read-only.
VOLUME /var/lib/queue
WORKDIR /var/lib/queue
USER queue
EXPOSE 8080 8081

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('QUEUE_HTTP_PORT') or 8080}/readyz\", timeout=4)"]
ENTRYPOINT ["queue-server"]
CMD ["run"]
