# Two stages: build with Go, run as nobody on nothing but the static binary.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=image
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /mxseal ./cmd/mxseal \
 && mkdir /data

FROM scratch
COPY --from=build /mxseal /mxseal
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
# SQLite sorts what does not fit into memory in files here: there is no /tmp.
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["/mxseal"]
CMD ["serve", "--listen", ":8080", "--data", "/data"]
