package stack

import "strings"

// std is the first elements of the standard library's import paths.
var std = setOf(`archive arena bufio bytes cmp compress container context crypto database debug embed encoding errors
	expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp
	runtime slices sort strconv strings structs sync syscall testing text time unicode unique unsafe uuid weak`)

// libraries are modules whose code is seldom what leaks, but often what it
// leaks through. Longer paths below them belong to them.
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

var libraryHosts = func() map[string][]string {
	m := map[string][]string{}
	for _, l := range libraries {
		host, _, _ := strings.Cut(l, "/")
		m[host] = append(m[host], l)
	}
	return m
}()

func setOf(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// classOf tells whose code a package is.
func classOf(pkg string) class {
	first, _, nested := strings.Cut(pkg, "/")
	if std[first] {
		switch {
		case pkg == "runtime", strings.HasPrefix(pkg, "runtime/internal/"), strings.HasPrefix(pkg, "internal/runtime/"):
			return classRuntime
		case first == "internal":
			return classInternal
		}
		return classStd
	}
	if nested {
		for _, l := range libraryHosts[first] {
			if rest, ok := strings.CutPrefix(pkg, l); ok && (rest == "" || rest[0] == '/') {
				return classLibrary
			}
		}
	}
	return classUser
}
