package conf

import "ipsec/conf/keyword"

// build makes the Config of the sections that were read.
func (p *parser) build() *Config {
	groups := newImplicit()
	p.link(groups)
	c := new(Config)
	p.setDefaults(target{setup: &c.Setup}, keyword.SectionSetup)
	setup := p.sections[sectionKey{"config", "setup"}]
	if setup == nil {
		setup = new(section)
	}
	params := p.flatten(setup, p.sections[sectionKey{"config", "%default"}], groups)
	p.apply(params, &c.Setup.Params, func(Side) target { return target{setup: &c.Setup} })

	prototype := Conn{ESPReplayWindow: -1, AHReplayWindow: -1, ReplayWindow: -1}
	p.setDefaults(target{conn: &prototype}, keyword.SectionConn)
	p.setDefaults(target{end: &prototype.Left}, keyword.SectionEnd)
	prototype.Right = prototype.Left
	defaults := p.sections[sectionKey{"conn", "%default"}]
	for _, s := range p.order {
		if s.kind == "conn" && s.name != "%default" && s.base == nil {
			c.Conns = append(c.Conns, p.conn(s, defaults, &prototype, groups))
		}
	}
	for _, s := range groups.order {
		own := p.sections[s.sectionKey]
		if own != nil && own.base == nil {
			continue
		}
		if own != nil {
			s = own
		}
		conn := p.conn(s, nil, &prototype, groups)
		conn.PolicyGroup = true
		c.Conns = append(c.Conns, conn)
	}
	p.checkAll(c)
	c.byName = make(map[string]*Conn, len(c.Conns))
	for _, conn := range c.Conns {
		if c.byName[conn.Name] == nil {
			c.byName[conn.Name] = conn
		}
	}
	return c
}

// conn makes a conn of a section, on top of defaults, on top of prototype.
func (p *parser) conn(s, defaults *section, prototype *Conn, groups implicitSections) *Conn {
	conn := new(Conn)
	*conn = *prototype
	conn.Name, conn.Pos = s.name, s.pos
	params := p.flatten(s, defaults, groups)
	p.apply(params, &conn.Params, func(side Side) target {
		return target{conn: conn, end: conn.End(side)}
	})
	conn.unmet(params)
	switch exchange := conn.KeyExchange; {
	case !conn.At("ikev2").IsZero():
	case exchange == "ikev1":
		conn.IKEv2 = "never"
	case exchange == "ikev2":
		conn.IKEv2 = "insist"
	}
	if conn.At("dpddelay").IsZero() && !conn.At("dpdtimeout").IsZero() {
		conn.DPDDelay = usualDPDDelay
	}
	return conn
}

// usualDPDDelay is what dpddelay= is, in seconds, in a conn that has dpdtimeout= alone, as in Openswan 2.4.
const usualDPDDelay = 30

// setDefaults gives every field of a section the default of the table.
func (p *parser) setDefaults(t target, s keyword.Section) {
	t.warn = func(string) {}
	for _, k := range p.table.Rows() {
		if k.Section == s && k.Default != "" && boundTo(k).set != nil {
			if err := boundTo(k).set(k, t, k.Default); err != nil {
				panic("the default of " + k.Name + " is malformed")
			}
		}
	}
}

// redacted stands in a Param for a key.
const redacted = "[secret]"

// apply puts the parameters into the fields, and lists them.
func (p *parser) apply(params []param, list *Params, to func(Side) target) {
	list.List = make([]Param, 0, len(params))
	for i := range params {
		q := &params[i]
		if q.bad {
			continue
		}
		value := q.value
		if q.word != nil {
			if boundTo(q.word).set != nil {
				t := to(q.side)
				t.pos, t.warn = q.pos, func(string) {}
				if err := boundTo(q.word).set(q.word, t, value); err != nil {
					continue // reported where it stands
				}
			}
			if boundTo(q.word).secret != nil {
				value = redacted
			}
		}
		list.List = append(list.List, Param{q.spelling(), value, q.pos})
	}
}
