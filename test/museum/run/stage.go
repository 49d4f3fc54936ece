package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"time"
)

// Shown is a running program with its description.
type Shown struct {
	Case
	Kind string // leak, twin or healthy
	Addr string
	At   time.Time // when it began

	scheme  string // empty: http
	metrics string // path, and query, of its metrics; empty: /metrics
}

// job returns the name under which Prometheus scrapes it.
func (s Shown) job() string {
	if s.Kind == "twin" {
		return s.Name + "-twin"
	}
	return s.Name
}

// Stage has all running programs of one show.
type Stage struct {
	binaries Binaries
	speed    float64
	life     time.Duration
	dir      string // for their files
	all      processes
	world    []string // flags
	Shown    []Shown
}

var listening = regexp.MustCompile(`^listening on (\S+)(?: (\S+))?$`)

// newStage starts the servers outside.
func newStage(b Binaries, m *Museum, speed float64, life time.Duration) (*Stage, error) {
	// Programs end by themselves a little later than the show does.
	s := &Stage{binaries: b, speed: speed, life: life + 5*time.Minute}
	var err error
	if s.dir, err = os.MkdirTemp("", "museum-stage-"); err != nil {
		return nil, err
	}
	p, said, err := start("world", listening, nil, b.tool("world"), s.flags()...)
	if err != nil {
		s.stop()
		return nil, err
	}
	s.all = append(s.all, p)
	s.world = []string{"-world=http://" + said[1], "-stuck=" + said[2]}
	for _, c := range append(m.Leaks[:len(m.Leaks):len(m.Leaks)], m.Healthy...) {
		if !c.needsPlus() {
			continue
		}
		p, said, err := start("worldplus", listening, nil, b.tool("worldplus"), s.flags()...)
		if err != nil {
			s.stop()
			return nil, err
		}
		s.all = append(s.all, p)
		s.world = append(s.world, "-grpc="+said[1], "-redis="+said[2])
		break
	}
	return s, nil
}

func (s *Stage) flags() []string { return []string{"-for=" + s.life.String()} }

// stop ends all programs, and deletes their files.
func (s *Stage) stop() {
	s.all.stop()
	_ = os.RemoveAll(s.dir)
}

// leak shows a case that leaks.
func (s *Stage) leak(c Case) error {
	if c.Server != "" {
		return errors.Join(s.server(c, "leak"), s.crowd(c, 24*time.Hour))
	}
	return s.show(c, "leak", s.binaries.leak(c.Name))
}

// twin shows the form of a case that does not leak: another release, another use,
// or clients that leave.
func (s *Stage) twin(c Case) error {
	switch {
	case c.Server != "":
		return errors.Join(s.server(c, "twin"), s.crowd(c, time.Minute))
	case c.Fixed != "":
		return s.show(c, "twin", s.binaries.twin(c.Name))
	default:
		return s.show(c, "twin", s.binaries.leak(c.Name), "-fixed")
	}
}

// healthy shows a case without a leak, and starts its crowd.
func (s *Stage) healthy(c Case) error {
	if c.Server != "" {
		return errors.Join(s.server(c, "healthy"), s.crowd(c, time.Minute))
	}
	if c.Needs == "kubernetes" && !slices.ContainsFunc(s.Shown, func(shown Shown) bool { return shown.Server == c.Needs }) {
		return fmt.Errorf("%s: %w: it needs the case kubernetes", c.Name, errNoServer)
	}
	if err := s.show(c, "healthy", s.binaries.healthy(c.Name)); err != nil || c.Crowd == "" {
		return err
	}
	return s.crowd(c, 24*time.Hour)
}

// crowd starts the clients of the program that was shown last, each of which stays for a while.
func (s *Stage) crowd(c Case, stay time.Duration) error {
	if len(s.Shown) == 0 || s.Shown[len(s.Shown)-1].Name != c.Name {
		return nil // the server is missing
	}
	url := s.Shown[len(s.Shown)-1].url("")
	args := append(s.flags(), fmt.Sprintf("-rate=%d", c.Rate), fmt.Sprintf("-speed=%g", s.speed))
	path := s.binaries.tool("crowd")
	switch c.Crowd {
	case "grpc":
		path, args = s.binaries.tool("worldplus"), append(args, "-crowd="+url)
	case "halfclose":
		path, args = s.binaries.tool("worldplus"), append(args, "-etcd="+url[len("http://"):], fmt.Sprintf("-cancel=%t", stay < time.Hour))
	default:
		args = append(args, "-kind="+c.Crowd, "-url="+url, "-stay="+stay.String())
	}
	p, err := startQuiet("crowd of "+c.Name, path, args...)
	if err == nil {
		s.all = append(s.all, p)
	}
	return err
}

func (s *Stage) show(c Case, kind, path string, flags ...string) error {
	args := append(s.flags(), s.world...)
	args = append(args, fmt.Sprintf("-rate=%d", c.Rate), fmt.Sprintf("-speed=%g", s.speed))
	if c.Limit > 0 {
		args = append(args, fmt.Sprintf("-limit=%d", c.Limit))
	}
	shown := Shown{Case: c, Kind: kind, At: time.Now()}
	p, said, err := start(shown.job(), listening, nil, path, append(args, flags...)...)
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(said[1]); err != nil {
		return fmt.Errorf("%s: %w", shown.job(), err)
	}
	shown.Addr = said[1]
	s.all = append(s.all, p)
	s.Shown = append(s.Shown, shown)
	return nil
}
