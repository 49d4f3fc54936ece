# syntax=docker/dockerfile:1
# The image: one static binary, no shell, no root.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t gorowatch .

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
ARG REVISION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags disable_grpc_modules,grpcnotrace \
      -ldflags "-s -w -X github.com/prometheus/common/version.Version=$VERSION -X github.com/prometheus/common/version.Revision=$REVISION" \
      -o /out/bin/gorowatch ./cmd/gorowatch \
 && mkdir -p /out/data

FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gorowatch" \
      org.opencontainers.image.description="Watches Go services for goroutine leaks" \
      org.opencontainers.image.url="https://github.com/gorowatch/gorowatch" \
      org.opencontainers.image.source="https://github.com/gorowatch/gorowatch" \
      org.opencontainers.image.documentation="https://gorowatch.github.io/gorowatch/" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="gorowatch" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /out/bin/gorowatch /bin/gorowatch
COPY LICENSE NOTICE /usr/share/doc/gorowatch/
# A volume that is mounted here for the first time belongs to the user too.
COPY --from=build --chown=65532:65532 /out/data /var/lib/gorowatch
USER 65532:65532
EXPOSE 10980
ENTRYPOINT ["/bin/gorowatch"]
CMD ["serve"]
