package repository

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/test/e2e"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(text)
}

// workflows lists the workflow files, by their path from the root.
func workflows(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 5)
	return files
}

// TestWorkflows checks the workflows with actionlint. They cannot run here.
func TestWorkflows(t *testing.T) {
	actionlint := e2e.Tool(t, "actionlint", "actionlint")
	// shellcheck and pyflakes run if the machine has them.
	out, err := exec.Command(actionlint, append([]string{"-shellcheck=", "-pyflakes="}, workflows(t)...)...).CombinedOutput()
	require.NoError(t, err, string(out))

	bad := filepath.Join(t.TempDir(), "bad.yml")
	text := strings.Replace(read(t, ".github/workflows/lint.yml"), "runs-on:", "run-on:", 1)
	require.NoError(t, os.WriteFile(bad, []byte(text), 0o600))
	out, err = exec.Command(actionlint, "-shellcheck=", "-pyflakes=", bad).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), `"run-on"`)
}

// TestWorkflowsRunWhatExists checks the targets of make, and that no job gets more
// permissions than it names.
func TestWorkflowsRunWhatExists(t *testing.T) {
	makefile := read(t, "Makefile")
	target := regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)
	part := regexp.MustCompile(`(?m)^ +- (test-[a-z0-9]+)$`)
	found := 0
	for _, file := range workflows(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), "\npermissions:\n  contents: read\n", file)
		for _, m := range slices.Concat(target.FindAllStringSubmatch(string(text), -1), part.FindAllStringSubmatch(string(text), -1)) {
			found++
			require.Regexp(t, `(?m)^`+regexp.QuoteMeta(m[1])+`:`, makefile, file)
		}
	}
	require.Greater(t, found, 10)

	// Every part of `make test` has a job, and so has Kubernetes.
	all := regexp.MustCompile(`(?s)\ntest: .*?\n\n`).FindString(makefile)
	jobs := read(t, ".github/workflows/test.yml")
	for _, m := range regexp.MustCompile(`\) --no-print-directory (test-[a-z0-9]+)`).FindAllStringSubmatch(all, -1) {
		if m[1] != "test-tools" {
			require.Contains(t, jobs, "- "+m[1]+"\n")
		}
	}
	require.Contains(t, jobs, "- test-kubernetes\n")
}

// issueForm is a form of GitHub's, as far as its documentation goes.
type issueForm struct {
	Name, Description, Title string
	Labels                   []string
	Body                     []struct {
		Type, ID   string
		Attributes struct {
			Label, Description, Placeholder, Value, Render string
		}
		Validations struct{ Required bool }
	}
}

func TestIssueForms(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, ".github/ISSUE_TEMPLATE/*.yml"))
	require.NoError(t, err)
	forms := map[string]issueForm{}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "config.yml" {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var form issueForm
		require.NoError(t, yaml.UnmarshalStrict(text, &form), name)
		require.NotEmpty(t, form.Name, name)
		require.NotEmpty(t, form.Description, name)
		ids := map[string]bool{}
		for _, field := range form.Body {
			require.Contains(t, []string{"markdown", "textarea", "input", "dropdown", "checkboxes"}, field.Type, name)
			if field.Type == "markdown" {
				require.NotEmpty(t, field.Attributes.Value, name)
				continue
			}
			require.NotEmpty(t, field.Attributes.Label, name)
			require.False(t, ids[field.ID], "%s: %s is there twice", name, field.ID)
			ids[field.ID] = true
		}
		forms[name] = form
	}
	// A report about the judgement asks for what is needed to repeat it.
	for _, name := range []string{"false_alarm.yml", "missed_leak.yml"} {
		required := map[string]string{}
		for _, field := range forms[name].Body {
			if field.Validations.Required {
				required[field.ID] = field.Attributes.Placeholder
			}
		}
		require.Contains(t, required["scan"], "gorowatch scan ", name)
		require.Contains(t, required["scan"], "--format=json", name)
		require.Contains(t, required, "profiles", name)
		require.Contains(t, required, "version", name)
	}
}

// TestCodeOwners checks that every pattern matches something.
func TestCodeOwners(t *testing.T) {
	lines := bufio.NewScanner(strings.NewReader(read(t, ".github/CODEOWNERS")))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		require.Regexp(t, `^@gorowatch/[a-z]+$`, fields[1])
		if fields[0] != "*" {
			_, err := os.Stat(filepath.Join(root, fields[0]))
			require.NoError(t, err)
		}
	}
}

// TestActionsArePinned checks that every action is pinned by the digest of a commit, because a
// tag can be moved. Dependabot updates the digest by the version in the comment.
func TestActionsArePinned(t *testing.T) {
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: *(.*)$`)
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	actions := 0
	for _, file := range append(workflows(t), filepath.Join(root, "action.yml")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
			actions++
			require.Regexp(t, pinned, m[1], file)
		}
	}
	require.Greater(t, actions, 15)
	require.Contains(t, read(t, ".github/dependabot.yml"), "package-ecosystem: github-actions")
}

// TestDependabot checks that every module is covered, except for the museum, which pins the
// versions that leak.
func TestDependabot(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, ".github/dependabot.yml")), &config))
	var patterns []string
	for _, u := range config.Updates {
		if u.Ecosystem == "gomod" {
			patterns = append(patterns, u.Directories...)
		} else {
			require.DirExists(t, filepath.Join(root, u.Directory))
		}
	}
	modules := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		if d.Name() != "go.mod" {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil || strings.HasPrefix(filepath.ToSlash(dir), "test/museum") {
			return err
		}
		modules++
		name := "/" + strings.TrimPrefix(filepath.ToSlash(dir), ".")
		matches := func(p string) bool { ok, _ := filepath.Match(p, name); return ok }
		require.True(t, slices.ContainsFunc(patterns, matches), "%s is in no list of .github/dependabot.yml", name)
		return nil
	}))
	require.Greater(t, modules, 10)
}
