package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// slackMessage is the part of a message that Alertmanager fills in.
type slackMessage struct {
	Channel     string
	Attachments []struct {
		Title, Text, Color string
		TitleLink          string `json:"title_link"`
		ImageURL           string `json:"image_url"`
	}
}

// A leak of a service goes through a real Alertmanager, with the configuration and the templates
// of docs/receivers/slack.md, to Slack. The picture in the message is there for whoever has its
// address.
func TestSlackMessageWithItsPicture(t *testing.T) {
	t.Parallel()
	built(t, buildGorowatch, "gorowatch")
	faucet := StartFaucet(t, "checkout")

	var mu sync.Mutex
	var messages []slackMessage
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m slackMessage
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		messages = append(messages, m)
		_, _ = w.Write([]byte("ok"))
	}))
	t.Cleanup(slack.Close)

	page, err := os.ReadFile("../../docs/receivers/slack.md")
	require.NoError(t, err)
	_, config, ok := strings.Cut(string(page), "```yaml alertmanager\n")
	require.True(t, ok)
	config, _, ok = strings.Cut(config, "```")
	require.True(t, ok)
	templates, err := filepath.Abs("../../deploy/alertmanager/gorowatch.tmpl")
	require.NoError(t, err)
	address := filepath.Join(t.TempDir(), "slack-url")
	write(t, address, slack.URL)
	for from, to := range map[string]string{
		"/etc/alertmanager/gorowatch.tmpl": templates, "/etc/alertmanager/slack-url": address,
		"  receiver: slack\n": "  receiver: slack\n  group_wait: 0s\n  group_interval: 1s\n",
	} {
		require.Contains(t, config, from)
		config = strings.Replace(config, from, filepath.ToSlash(to), 1)
	}
	alertmanager := StartAlertmanagerWith(t, config)

	gorowatch := StartGorowatch(t, t.TempDir(), fmt.Sprintf(`global: {evaluation_interval: 1s}
trend: {base: 1s}
profiles: {baseline_interval: 1s, suspicion_interval: 1s}
alerting:
  alertmanagers: [{static_configs: [{targets: [%q]}]}]
  images: {enabled: true}
targets: [{static: [%q], labels: {namespace: taps, job: checkout}}]
`, alertmanager.Address, faucet.Address))
	gorowatch.WaitReady(t)
	faucet.Open(t, 10)

	var found slackMessage
	Eventually(t, untilAlerts, "a message with a stack and a picture", func() error {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range messages {
			if len(m.Attachments) == 1 && m.Attachments[0].ImageURL != "" && strings.Contains(m.Attachments[0].Text, "```") {
				found = m
				return nil
			}
		}
		return errors.New(fmt.Sprint(messages))
	})
	a := found.Attachments[0]
	t.Logf("%s\n%s\n%s\n%s", a.Title, a.TitleLink, a.Text, a.ImageURL)
	require.Equal(t, "#alerts", found.Channel)
	require.Contains(t, a.Title, "taps/checkout leaks ")
	require.Contains(t, a.Text, "created by main.")
	require.True(t, strings.HasPrefix(a.TitleLink, gorowatch.URL+"/leaks/"), a.TitleLink)
	require.True(t, strings.HasPrefix(a.ImageURL, gorowatch.URL+"/leaks/"), a.ImageURL)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.ImageURL, http.NoBody)
	require.NoError(t, err)
	req.Close = true // leave no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	picture, err := png.Decode(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 800, picture.Bounds().Dx())
}
