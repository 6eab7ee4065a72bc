package conf

import "slices"

// implicitSections are the conns of the policy groups, by name and in order.
type implicitSections struct {
	order  []*section
	byName map[string]*section
}

func newImplicit() implicitSections {
	i := implicitSections{order: implicit(), byName: make(map[string]*section)}
	for _, s := range i.order {
		i.byName[s.name] = s
	}
	return i
}

// link checks what each section refers to, and joins the user's conns with
// the implicit ones that they add to.
func (p *parser) link(groups implicitSections) {
	for _, s := range p.order {
		for _, a := range s.alsos {
			if p.lookup(s.kind, a.name, groups) == nil && s.kind != "ca" && !p.full() {
				p.errorf(a.pos, "there is no %s %s to take parameters of%s", s.kind, quote(a.name), suggest(a.name, p.namesOf(s.kind)))
			}
		}
	}
	for _, s := range p.order {
		group := groups.byName[s.name]
		if s.kind != "conn" || group == nil {
			continue
		}
		if !slices.ContainsFunc(p.flatten(s, nil, groups), func(p param) bool { return p.word != nil && p.word.Name == "left" }) {
			s.base = group
		}
	}
}

func (p *parser) lookup(kind, name string, groups implicitSections) *section {
	if s := p.sections[sectionKey{kind, name}]; s != nil {
		return s
	}
	if kind == "conn" {
		return groups.byName[name]
	}
	return nil
}

func (p *parser) namesOf(kind string) []string {
	var list []string
	for _, s := range p.order {
		if s.kind == kind && s.name != "%default" && len(list) < 1000 {
			list = append(list, s.name)
		}
	}
	return list
}

// walker gathers the parameters in force of one section after the other.
type walker struct {
	round  int   // which flattening this is
	step   int   // which section of all, counted through
	first  int   // the step that this flattening began with
	given  []int // by keyword and side: the last step that gave it
	xkeys  map[string]int
	path   []*section
	params []param
}

// flatten returns the parameters in force of s, in the order of the table: its
// own, those of its also= and alsoflip=, then those of defaults, which may be
// nil. They are good until the next call.
func (p *parser) flatten(s, defaults *section, groups implicitSections) []param {
	w := &p.walker
	if w.given == nil {
		w.given, w.xkeys = make([]int, 3*len(p.table.Rows())), make(map[string]int)
	}
	w.round++
	w.first = w.step + 1
	w.params = w.params[:0]
	p.walk(s, false, groups)
	if defaults != nil {
		p.walk(defaults, false, groups)
	}
	slices.SortStableFunc(w.params, func(a, b param) int {
		switch {
		case a.word == nil && b.word == nil:
			return 0
		case a.word == nil:
			return 1
		case b.word == nil:
			return -1
		case a.word != b.word:
			return a.word.Row() - b.word.Row()
		}
		return int(a.side) - int(b.side)
	})
	return w.params
}

func (p *parser) walk(s *section, flip bool, groups implicitSections) {
	w := &p.walker
	way := 0
	if flip {
		way = 1
	}
	if s.walked[way] == w.round {
		return // its parameters are there, and nothing of it can come before them
	}
	s.walked[way] = w.round
	w.path = append(w.path, s)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	w.step++
	w.take(s, flip)
	for _, a := range s.alsos {
		next := p.lookup(s.kind, a.name, groups)
		if p.steps++; p.steps > maxAlsoSteps {
			p.errorf(a.pos, "more than %d references by also= in all", maxAlsoSteps)
			return
		}
		switch {
		case next == nil:
		case slices.Contains(w.path, next):
			p.errorf(a.pos, "also %s is a circle: it leads back to %s", quote(a.name), next)
		case len(w.path) >= maxAlsoDepth:
			p.errorf(a.pos, "also %s is nested deeper than %d", quote(a.name), maxAlsoDepth)
		default:
			p.walk(next, flip != a.flip, groups)
		}
	}
	if s.base != nil {
		p.walk(s.base, flip, groups)
	}
}

// take adds the parameters of one section that no step of this flattening
// before it gave.
func (w *walker) take(s *section, flip bool) {
	for i := range s.params {
		q := s.params[i]
		if flip {
			q.side = q.side.Other()
		}
		last := w.xkeys[q.name]
		if q.word != nil {
			last = w.given[3*q.word.Row()+int(q.side)]
		}
		if last >= w.first && last != w.step {
			continue
		}
		if q.word != nil {
			w.given[3*q.word.Row()+int(q.side)] = w.step
		} else {
			w.xkeys[q.name] = w.step
		}
		if q.value != "" || q.word == nil {
			w.params = append(w.params, q)
		}
	}
}
