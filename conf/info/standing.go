package info

import "slices"

// Standing is what the lines of an ipsec.info, one after the other, leave to be
// taken back: a line that stands is not added again, Unroute and Unhook take
// away the line that they undo, and the first value of a Setting is the one that
// counts, the value from before any change. The zero Standing is empty and ready.
type Standing struct {
	lines []Line         // nil for one that was undone
	at    map[string]int // index in lines, by key
}

// StandingOf returns what stands after lines, passing over those that Parse
// does not take.
func StandingOf(lines []string) *Standing {
	var s Standing
	for _, text := range lines {
		if l, ok := Parse(text); ok {
			s.Add(l)
		}
	}
	return &s
}

// Add takes one more line into account.
func (s *Standing) Add(l Line) {
	switch l := l.(type) {
	case Unroute:
		s.remove(Route(l))
	case Unhook:
		s.remove(Hook(l))
	default:
		if s.Has(l) {
			return
		}
		if s.at == nil {
			s.at = make(map[string]int)
		}
		s.at[key(l)] = len(s.lines)
		s.lines = append(s.lines, l)
	}
}

// Has reports whether l stands; of a Setting, whether it has a value.
func (s *Standing) Has(l Line) bool {
	_, ok := s.at[key(l)]
	return ok
}

// Setting returns the value that the setting at path had before.
func (s *Standing) Setting(path string) (value string, ok bool) {
	at, ok := s.at[path]
	if !ok {
		return "", false
	}
	return s.lines[at].(Setting).Value, true
}

// Lines returns the lines that stand, in the order of the file.
func (s *Standing) Lines() []Line {
	return slices.DeleteFunc(slices.Clone(s.lines), func(l Line) bool { return l == nil })
}

func (s *Standing) remove(l Line) {
	if at, ok := s.at[key(l)]; ok {
		delete(s.at, key(l))
		s.lines[at] = nil
	}
}

// key is the path of a Setting and the whole of any other line, which begins with
// another letter than a path does.
func key(l Line) string {
	if setting, ok := l.(Setting); ok {
		return setting.Path
	}
	return l.String()
}
