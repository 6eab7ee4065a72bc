package conf

import "strings"

// implicitConns are the conns of the policy groups, as Openswan 2.4 defines
// them after all others, but for one thing: there they had auto=route, and
// every file that did not want opportunistic encryption included no_oe.conf,
// which gave each of them auto=ignore. Here auto=ignore is what they have,
// and a file that wants one says "conn private" and "auto=route" below it.
//
// A conn of the user's that gives left or right takes the place of the
// implicit one of its name; one that gives neither adds to it. Nothing in
// conn %default touches them.
const implicitConns = `
conn clear
	type=passthrough
	authby=never
	left=%defaultroute
	right=%group

conn clear-or-private
	type=passthrough
	left=%defaultroute
	leftid=%myid
	right=%opportunisticgroup
	failureshunt=passthrough
	keyingtries=3
	ikelifetime=1h
	keylife=1h
	rekey=no

conn private-or-clear
	type=tunnel
	left=%defaultroute
	leftid=%myid
	right=%opportunisticgroup
	failureshunt=passthrough
	keyingtries=3
	ikelifetime=1h
	keylife=1h
	rekey=no

conn private
	type=tunnel
	left=%defaultroute
	leftid=%myid
	right=%opportunisticgroup
	failureshunt=drop
	keyingtries=3
	ikelifetime=1h
	keylife=1h
	rekey=no

conn block
	type=reject
	authby=never
	left=%defaultroute
	right=%group

conn packetdefault
	type=tunnel
	left=%defaultroute
	leftid=%myid
	leftsubnet=0.0.0.0/0
	right=%opportunistic
	failureshunt=passthrough
	keyingtries=3
	ikelifetime=1h
	keylife=1h
	rekey=no
`

// implicit returns the sections of the policy groups, at no place.
func implicit() []*section {
	p := newParser()
	a := &assembler{parser: p}
	for s := newScanner("", []byte(strings.TrimSpace(implicitConns))); ; {
		l, ok := s.next()
		if !ok {
			break
		}
		l.pos = Pos{}
		a.line(l)
	}
	for _, s := range p.order {
		for i := range s.params {
			s.params[i].pos, s.params[i].at = Pos{}, Pos{}
		}
	}
	return p.order
}
