package profiling

import "github.com/gorowatch/gorowatch/leak"

// Inventory lists the known profiles of an instance.
type Inventory struct {
	// Profiles are those of this process and earlier ones, oldest first; InMemory is how many
	// of them are loaded.
	Profiles []leak.ProfileRef
	InMemory int
	// Listed reports whether the archive was asked for profiles of earlier runs.
	Listed bool
	// Earlier are profiles of the longest-lived earlier process. EarlierChecked reports whether the
	// archive was asked for them since the present process started.
	Earlier        []leak.ProfileRef
	EarlierChecked bool
}

// Inventory lists the profiles of an instance.
func (s *Service) Inventory(name string) (v Inventory) {
	in := s.instances[name]
	if in == nil {
		return v
	}
	for _, p := range in.profiles {
		v.Profiles = append(v.Profiles, p.ref)
		if p.snapshot != nil {
			v.InMemory++
		}
	}
	for _, p := range in.earlier {
		v.Earlier = append(v.Earlier, p.ref)
	}
	v.Listed = in.listed
	v.EarlierChecked = in.earlierChecked > 0 && in.earlierChecked == in.Processes()
	return v
}
