# syntax=docker/dockerfile:1
# docker build --build-arg TIMBERLINE_COMMIT=$(git rev-parse HEAD) --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) -t timberline .
FROM node:22-bookworm-slim AS webui
WORKDIR /src/webui
COPY webui/package.json webui/package-lock.json webui/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY webui .
RUN npm run build

FROM rust:1.95-bookworm AS build
ARG TIMBERLINE_COMMIT
ARG SOURCE_DATE_EPOCH
WORKDIR /src
COPY . .
COPY --from=webui /src/webui/dist webui/dist
RUN cargo build --release --locked --package timberline-cli --bin timberline

FROM debian:bookworm-slim
RUN useradd --system --uid 5600 --create-home --home-dir /data timberline && chmod 700 /data
COPY --from=build /src/target/release/timberline /usr/bin/timberline
USER timberline
VOLUME /data
EXPOSE 5600
# Exit code 1 means that something needs attention. That is no reason to restart the container.
HEALTHCHECK --start-period=60s CMD timberline status --dbpath /data >/dev/null || [ $? -eq 1 ]
ENTRYPOINT ["timberline"]
CMD ["serve", "--host", "0.0.0.0", "--dbpath", "/data"]
