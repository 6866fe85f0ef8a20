# One image, two targets: `docker build --target starter .` and `--target worker`.

FROM node:20-slim AS build
WORKDIR /twinport
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY workflows workflows
COPY activities activities
COPY dashboard dashboard
RUN npm run build \
  # Embedded servers are for one machine; here PostgreSQL and Temporal are services of their own.
  && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:20-slim AS runtime
# Certificates of registries are checked against the system's authorities, which the slim image lacks.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /twinport
COPY LICENSE package.json ./
COPY --from=build /twinport/node_modules node_modules
COPY --from=build /twinport/dist dist
RUN install -d -o node -g node /var/lib/twinport
USER node
# tini hands signals on and buries orphans; node as the first process does neither.
ENTRYPOINT ["tini", "--", "node", "dist/src/processes/cli/main.js"]

FROM runtime AS worker
CMD ["worker", "-c", "/etc/twinport/twinport.yaml"]

FROM runtime AS starter
VOLUME /var/lib/twinport
EXPOSE 8080
CMD ["starter", "-c", "/etc/twinport/twinport.yaml"]
