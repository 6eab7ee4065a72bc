package interop

import (
	"regexp"
	"sync"

	"ipsec/golden/report"
)

// row is what came of a case.
type row struct {
	name, role, auth, peer string
	algorithms, esp        string // that both ends agreed on
	said                   string // our one message, where it was refused
	ok                     bool
}

// outcomes is what doc/interop.md says.
type outcomes struct {
	mu   sync.Mutex
	rows map[string][]*row // by peer
}

func (r *outcomes) row(p *pairing, role string, with peer) *row {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows = map[string][]*row{}
	}
	one := &row{name: p.name, role: role, auth: or(p.auth, "PSK"), peer: with.name()}
	r.rows[one.peer] = append(r.rows[one.peer], one)
	return one
}

const head = `# Interoperability of Pluto

Pluto and KLIPS with daemons of IKE that none of us wrote. "go test
./golden/interop -update" writes this file, and without -update compares it with
what comes of a run. A case has passed when pings of both sides were answered,
both ends counted them on their SAs, a capture on the link between the two saw as
many packets of ESP and none in the clear, and when in the end, the tunnel taken
down by the side that brought it up, neither had an SA left.

- **we are**: whether we have initiated, or answered.
- **algorithms**: those that both ends agreed on, of the IKE SA and of the Child SA.
- **ESP**: raw, or in UDP, as the capture saw it.

| peer | version | where |
|---|---|---|
| strongSwan | 5.9.8, of Debian 12 | ESP of its own in user space, in UDP always |
| strongSwan, NAT | the same | the same, beyond a NAT or a slow link |
| strongSwan, kernel | the same | ESP of Linux 6.1, as User-Mode Linux |
| Libreswan | 4.10, of Debian 12 | ESP of the same kernel |

What is not named is a tunnel of IPv4 in IPv4, with shared keys.
`

// date is a time in a message, which is another in each run.
var date = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)

var peers = []string{"strongSwan", "strongSwan, NAT", "strongSwan, kernel", "Libreswan"}

// document is doc/interop.md.
func (r *outcomes) document() *report.Document {
	var d report.Document
	d.Add(head)
	for _, name := range peers {
		d.Add("\n## " + name + "\n\n")
		d.Table("case", "we are", "IKE", "authentication", "algorithms", "ESP", "result")
		for _, row := range r.rows[name] {
			result := report.Result(row.ok)
			if row.said != "" {
				result += ", refused: " + date.ReplaceAllString(row.said, "…")
			}
			d.Row(row.name, row.role, "2", row.auth, row.algorithms, row.esp, result)
		}
	}
	return &d
}
