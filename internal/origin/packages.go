package origin

import "strings"

// std is the first elements of the standard library's import paths.
var std = setOf(`archive arena bufio bytes cmp compress container context crypto database debug embed encoding errors
	expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp
	runtime slices sort strconv strings structs sync syscall testing text time unicode unique unsafe weak`)

// libraries are well-known modules, for profiles whose paths do not show what is a dependency.
// Their code rarely leaks, but leaks often go through it. Longer paths below them belong to
// them.
var libraries = []string{
	"cloud.google.com/go",
	"github.com/Azure/azure-sdk-for-go",
	"github.com/ClickHouse/clickhouse-go",
	"github.com/IBM/sarama",
	"github.com/Shopify/sarama",
	"github.com/aws/aws-lambda-go",
	"github.com/aws/aws-sdk-go",
	"github.com/aws/aws-sdk-go-v2",
	"github.com/aws/smithy-go",
	"github.com/bradfitz/gomemcache",
	"github.com/cenkalti/backoff",
	"github.com/confluentinc/confluent-kafka-go",
	"github.com/dgraph-io/badger",
	"github.com/dgraph-io/ristretto",
	"github.com/eapache/go-resiliency",
	"github.com/elastic/go-elasticsearch",
	"github.com/fsnotify/fsnotify",
	"github.com/gin-gonic/gin",
	"github.com/go-chi/chi",
	"github.com/go-kit/kit",
	"github.com/go-logr/logr",
	"github.com/go-redis/redis",
	"github.com/go-sql-driver/mysql",
	"github.com/gofiber/fiber",
	"github.com/golang/glog",
	"github.com/golang/groupcache",
	"github.com/gomodule/redigo",
	"github.com/gorilla/handlers",
	"github.com/gorilla/mux",
	"github.com/gorilla/websocket",
	"github.com/grpc-ecosystem",
	"github.com/hashicorp/go-retryablehttp",
	"github.com/hashicorp/golang-lru",
	"github.com/hashicorp/memberlist",
	"github.com/improbable-eng/grpc-web",
	"github.com/jackc/pgconn",
	"github.com/jackc/pgx",
	"github.com/jackc/puddle",
	"github.com/jmoiron/sqlx",
	"github.com/julienschmidt/httprouter",
	"github.com/klauspost/compress",
	"github.com/labstack/echo",
	"github.com/lib/pq",
	"github.com/mattn/go-sqlite3",
	"github.com/nats-io/nats.go",
	"github.com/oklog/run",
	"github.com/patrickmn/go-cache",
	"github.com/prometheus/client_golang",
	"github.com/prometheus/exporter-toolkit",
	"github.com/quic-go/quic-go",
	"github.com/rabbitmq/amqp091-go",
	"github.com/redis/go-redis",
	"github.com/redis/rueidis",
	"github.com/robfig/cron",
	"github.com/rs/cors",
	"github.com/rs/zerolog",
	"github.com/segmentio/kafka-go",
	"github.com/sirupsen/logrus",
	"github.com/sony/gobreaker",
	"github.com/sourcegraph/conc",
	"github.com/spf13/cobra",
	"github.com/spf13/viper",
	"github.com/streadway/amqp",
	"github.com/stretchr/testify",
	"github.com/twmb/franz-go",
	"github.com/urfave/cli",
	"github.com/urfave/negroni",
	"github.com/valyala/fasthttp",
	"go.elastic.co/apm",
	"go.etcd.io/bbolt",
	"go.etcd.io/etcd/client",
	"go.mongodb.org/mongo-driver",
	"go.opencensus.io",
	"go.opentelemetry.io",
	"go.temporal.io/sdk",
	"go.uber.org",
	"golang.org/x",
	"google.golang.org/api",
	"google.golang.org/grpc",
	"google.golang.org/protobuf",
	"gopkg.in/DataDog/dd-trace-go.v1",
	"github.com/DataDog/dd-trace-go",
	"gopkg.in/natefinch/lumberjack.v2",
	"gopkg.in/tomb.v2",
	"gorm.io",
	"k8s.io/apimachinery",
	"k8s.io/client-go",
	"k8s.io/klog",
	"sigs.k8s.io/controller-runtime",
}

// librariesByOwner are the libraries by the first two elements of their paths, or by the only
// one.
var librariesByOwner = func() map[string][]string {
	m := map[string][]string{}
	for _, l := range libraries {
		m[ownerOf(l)] = append(m[ownerOf(l)], l)
	}
	return m
}()

// ownerOf returns the first two elements of a path, e.g. "github.com/acme".
func ownerOf(path string) string {
	host := strings.IndexByte(path, '/') + 1
	if owner := strings.IndexByte(path[host:], '/'); host > 0 && owner >= 0 {
		return path[:host+owner]
	}
	return path
}

func setOf(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// PackageOf returns the import path of the package of a file, if its path shows it for certain:
// in the module cache, in a vendor folder, in the standard library, and (trimmed) in builds
// with -trimpath. A package main has no import path in names, so that of a trimmed path does
// not help.
func PackageOf(file, name string) (string, bool) {
	dir := file
	i := strings.LastIndexByte(dir, '/')
	if i <= 0 {
		return "", false
	}
	dir = dir[:i]
	if i := strings.LastIndex(dir, "/vendor/"); i >= 0 {
		return dir[i+len("/vendor/"):], true
	}
	cached := false
	if i := strings.LastIndex(dir, "/pkg/mod/"); i >= 0 {
		dir, cached = dir[i+len("/pkg/mod/"):], true
	} else if i := strings.LastIndex(dir, "/go/src/"); i >= 0 {
		dir = dir[i+len("/go/src/"):]
		first, _, _ := strings.Cut(dir, "/")
		return dir, std[first] && first != "internal"
	}
	if strings.HasPrefix(dir, "/") || strings.Contains(dir, ":") {
		return "", false
	}
	first, _, _ := strings.Cut(dir, "/")
	if at := strings.IndexByte(dir, '@'); at >= 0 {
		version := dir[at:]
		if i := strings.IndexByte(version, '/'); i >= 0 {
			return unescape(dir[:at]) + version[i:], true
		}
		return unescape(dir[:at]), true
	}
	return dir, !cached && (name != "main" || std[first])
}

// unescape undoes the module cache's spelling of capital letters.
func unescape(path string) string {
	if !strings.Contains(path, "!") {
		return path
	}
	var b strings.Builder
	upper := false
	for _, c := range []byte(path) {
		switch {
		case c == '!':
			upper = true
			continue
		case upper && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		upper = false
		b.WriteByte(c)
	}
	return b.String()
}

// ClassOf returns whose code a package is.
func ClassOf(pkg string) Class {
	first, _, nested := strings.Cut(pkg, "/")
	if std[first] {
		switch {
		case pkg == "runtime", strings.HasPrefix(pkg, "runtime/internal/"), strings.HasPrefix(pkg, "internal/runtime/"):
			return Runtime
		case first == "internal":
			return Internal
		}
		return Std
	}
	if nested && (isLibrary(pkg, first) || isLibrary(pkg, ownerOf(pkg))) {
		return Library
	}
	return User
}

// isLibrary reports whether a package is of a well-known library of an owner.
func isLibrary(pkg, owner string) bool { return wellKnown(pkg, owner) != "" }

// wellKnown returns the well-known library of an owner that a package belongs to; empty: none.
func wellKnown(pkg, owner string) string {
	for _, l := range librariesByOwner[owner] {
		if rest, ok := strings.CutPrefix(pkg, l); ok && (rest == "" || rest[0] == '/') {
			return l
		}
	}
	return ""
}

// LibraryOf returns the library of a package: its module, by the path of a file, else the
// well-known library, else the beginning of its import path.
func LibraryOf(pkg, file string) string {
	if m, ok := ModuleOf(file); ok {
		return m.Path
	}
	first, _, _ := strings.Cut(pkg, "/")
	if l := wellKnown(pkg, first); l != "" {
		return l
	}
	owner := ownerOf(pkg)
	if l := wellKnown(pkg, owner); l != "" {
		return l
	}
	repository, _, _ := strings.Cut(strings.TrimPrefix(pkg[len(owner):], "/"), "/")
	return strings.TrimSuffix(owner+"/"+repository, "/")
}
