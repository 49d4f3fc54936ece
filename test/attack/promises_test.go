package attack

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// promises are the list items of docs/security.md by their first words, each with the tests
// that try to break it: of this package by name, of others as path:name.
var promises = map[string][]string{
	"A login covers everything.": {"TestLogin", "internal/app/access_test.go:TestAccess", "internal/app/push_test.go:TestPushedProfilesNeedTheLogin"},
	"Pictures need a signature.": {
		"internal/app/pictures_test.go:TestPicturesBehindALogin", "internal/app/pictures_test.go:TestPicturesWithoutALogin", "internal/pictures/sign_test.go:TestForgedAddresses",
		"internal/pictures/handler_test.go:TestRefusals", "internal/pictures/draw_test.go:TestPictureShowsNoOtherInstance", "internal/pictures/draw_test.go:TestPictureOfHostileInput",
	},
	"Known names only.":                         {"TestWebsiteThatPointsItsNameHere", "internal/web/hosts_test.go:TestRebinding", "internal/web/hostcheck/hostcheck_test.go:TestAllows"},
	"Probes and scrapes work under every name.": {"TestWebsiteThatPointsItsNameHere"},
	"Other sites cannot post.":                  {"TestOtherSitesPost"},

	"Off by default.":                 {"TestOffByDefault", "TestReloadIsOffByDefault", "internal/app/push_test.go:TestPushedProfilesAreOffByDefault", "internal/app/pictures_test.go:TestPicturesAreOffByDefault"},
	"The webhook needs its token.":    {"TestWebhookWantsItsToken", "TestOffByDefault", "internal/app/connections_test.go:TestInboundIsOffByDefault"},
	"The webhook is bounded.":         {"internal/web/inbound_test.go:TestInboundRate"},
	"The webhook chooses no address.": {"internal/app/inbound_test.go:TestInbound"},
	"Pushed profiles are bounded.": {
		"TestFloodOfPushes", "TestBombsInPushes", "TestHostileLabelsOfPushes", "TestContentTypesOfPushes", "TestSlowSenders",
		"internal/push/push_test.go:TestSendersAreBounded", "internal/push/push_test.go:TestBadInput",
	},

	"Slow clients keep nobody out.": {
		"TestSlowClientsKeepNoProbeOut", "internal/connections/connections_test.go:TestNoClientHoldsAConnectionForEver",
		"internal/connections/connections_test.go:TestNoReaderHoldsAnAnswerForEver", "internal/connections/connections_test.go:TestAlwaysRoomForOneMore",
	},
	"No query breaks a page.": {"internal/web/query_test.go:TestEveryParameter", "internal/web/query_test.go:FuzzQuery"},

	"Names are inert.":                  {"TestPagesOfAHostileService", "internal/web/web_test.go:TestHostile"},
	"Nothing is loaded from elsewhere.": {"TestPagesOfAHostileService", "internal/web/web_test.go:TestSelfContained"},
	"Secrets are never shown.":          {"TestSecretsAreNeverShown", "internal/config/config_test.go:TestShownConfigurationHidesSecretsAndLoadsAgain"},
	"Credentials stay with their server.": {
		"collector/fetch/client_test.go:TestClientSecretStaysWithTheTokenServer", "collector/pprof/fetch_test.go:TestFetchSaysWhatIsWrong", "collector/pprof/auth_test.go:TestLogins", "collector/promapi/source_test.go:TestFailures",
		"collector/scrape/scraper_test.go:TestBadAnswers", "alerting/internal/alertmanager/alertmanager_test.go:TestHTTP",
	},
	"Tokens of Git forges stay there.": {"internal/app/links/links_test.go:TestCommitsAreAskedForWithTheToken", "internal/forge/forge_test.go:TestRefusals"},
	"No file of the host is served.":   {"TestNoFileOfTheHostIsRead", "TestHostileBucket", "internal/archive/folder_test.go:TestLinksAreNotFollowed", "internal/web/web_test.go:TestProfile"},
	"Label values are hashed.": {
		"leak/labels_test.go:TestLeaksHaveNoPprofLabels", "internal/monitor/labels_test.go:TestLeadingLabels", "internal/stack/labels_test.go:TestHashLabels",
		"internal/stack/labels_test.go:TestManyLabelsTakeNoMemory", "alerting/labels_test.go:TestHostileLabels", "internal/diff/diff_test.go:TestRunLabels",
	},

	"It only reads.":           {"TestPagesOfAHostileService"},
	"Profiles have a budget.":  {"internal/monitor/pulling/budget_test.go:TestLongRunShareIsNeverExceeded", "internal/monitor/pulling/budget_test.go:TestBandwidth"},
	"Answers are not trusted.": {"TestHostileProfiles", "internal/archive/folder_test.go:TestUndecodableIsSetAside", "collector/pprof/fetch_test.go:TestFetchIsBounded", "collector/pprof/fuzz_test.go:FuzzProto", "TestPagesOfAHostileService"},
	"Series are not trusted.":  {"TestSeriesFillNothing", "collector/promapi/hostile_test.go:TestLabelsThatAreNone", "collector/promapi/hostile_test.go:TestValuesThatAreNone"},
	"Log lines are bounded.":   {"cmd/gorowatch/logs_test.go:TestLogValuesAreShort"},
	"Pods, and nothing else.":  {"deploy/chart_test.go:TestRightsInTheCluster"},
	"Events are opt-in.":       {"deploy/chart_test.go:TestRightsInTheCluster", "test/e2e/kubernetes/events_test.go:TestEventsOnTheWorkload"},
	"The pod is restricted.":   {"deploy/chart_test.go:TestPodsAreRestricted"},
	"One port in.":             {"deploy/chart_test.go:TestNetworkPolicyHasOnePort", "deploy/chart_test.go:TestPicturePort"},
	"The unit is confined.":    {"deploy/files_test.go:TestUnit"},
}

// item is the beginning of a list item, with its first words in bold.
var item = regexp.MustCompile(`(?m)^- (?:\*\*([^*]+)\*\*)?`)

// Every promise of the page is tested, and every tested promise is on the page.
func TestEveryPromiseHasATest(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	require.NoError(t, err)
	found := map[string]bool{}
	for _, m := range item.FindAllStringSubmatch(string(page), -1) {
		require.NotEmpty(t, m[1], "an item of docs/security.md does not say in bold what it promises")
		require.False(t, found[m[1]], "%s: twice", m[1])
		found[m[1]] = true
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(promises)), slices.Collect(maps.Keys(found)), "promises of docs/security.md, and those that are tested")

	own, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for promise, tests := range promises {
		require.NotEmpty(t, tests, promise)
		for _, name := range tests {
			files := own
			if file, function, ok := strings.Cut(name, ":"); ok {
				files, name = []string{filepath.Join(root, file)}, function
			}
			has := slices.ContainsFunc(files, func(file string) bool {
				text, err := os.ReadFile(file)
				require.NoError(t, err, promise)
				return strings.Contains(string(text), "\nfunc "+name+"(")
			})
			require.True(t, has, "%s: %s is not in %s", promise, name, files)
		}
	}
}
