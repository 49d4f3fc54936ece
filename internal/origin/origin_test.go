package origin

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestModuleOf(t *testing.T) {
	for file, want := range map[string]string{
		"/root/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.0/pool.go":                     "github.com/panjf2000/ants/v2 v2.7.0",
		"github.com/!data!dog/datadog-go@v3.2.0+incompatible/statsd/statsd.go":             "github.com/DataDog/datadog-go v3.2.0+incompatible",
		"/x/pkg/mod/github.com/docker/go-events@v0.0.0-20190806004212-e31b211e4f1c/a/b.go": "github.com/docker/go-events v0.0.0-20190806004212-e31b211e4f1c",
		"github.com/acme/shop/cart.go":                                                     "",
		"/home/me/work@v1.2/shop/cart.go":                                                  "", // a folder of somebody
		"/usr/local/go/src/net/http/server.go":                                             "",
		"/src/shop@home/cart.go":                                                           "",
		"":                                                                                 "",
	} {
		m, ok := ModuleOf(file)
		require.Equal(t, want != "", ok, file)
		require.Equal(t, want, m.String(), file)
	}
}

// The main function of the user's own program is in no module with a version.
func TestProgramOf(t *testing.T) {
	for file, want := range map[string]string{
		"/root/go/pkg/mod/github.com/acme/relay@v1.2.0/cmd/relay/main.go": "github.com/acme/relay v1.2.0",
		"github.com/acme/relay@v1.2.0/main.go":                            "github.com/acme/relay v1.2.0",
		"go.etcd.io/etcd/main.go":                                         "go.etcd.io/etcd",
		"go.etcd.io/etcd/server/v3/main.go":                               "go.etcd.io/etcd",
		"/build/etcd-3.4.30/_build/src/go.etcd.io/etcd/main.go":           "go.etcd.io/etcd",
		"github.com/prometheus/prometheus/cmd/prometheus/main.go":         "github.com/prometheus/prometheus",
		"/src/shop/cmd/shop/main.go":                                      "",
		"github.com/acme/shop/main.go":                                    "",
		"go.etcd.io/etcdkeeper/main.go":                                   "",
		"main.go":                                                         "",
		"":                                                                "",
	} {
		require.Equal(t, want, ProgramOf(file), file)
	}
}

func TestPackageOf(t *testing.T) {
	for _, tc := range []struct{ file, name, want string }{
		{"/root/go/pkg/mod/github.com/!burnt!sushi/toml@v1.2.3/internal/x.go", "main", "github.com/BurntSushi/toml/internal"},
		{"/root/go/pkg/mod/go.uber.org/zap@v1.27.0/x.go", "main", "go.uber.org/zap"},
		{"C:/Users/me/go/pkg/mod/go.uber.org/zap@v1.27.0/x.go", "main", "go.uber.org/zap"},
		{"/src/vendor/github.com/lib/pq/conn.go", "main", "github.com/lib/pq"},
		{"/usr/local/go/src/net/http/server.go", "main", "net/http"},
		{"/home/me/go/src/internal/api/a.go", "app", ""},
		{"net/http/server.go", "main", "net/http"},
		{"github.com/lib/pq@v1.10.9/conn.go", "main", "github.com/lib/pq"},
		{"example.com/app/pool/pool.go", "example.com/app", "example.com/app/pool"},
		{"example.com/app/cmd/server/main.go", "main", ""},
		{"/src/internal/pool/pool.go", "example.com/app", ""},
		{"C:/src/pool/pool.go", "example.com/app", ""},
		{"main.go", "main", ""},
		{"", "main", ""},
	} {
		got, ok := PackageOf(tc.file, tc.name)
		if !ok {
			got = ""
		}
		require.Equal(t, tc.want, got, tc.file)
	}
}
