package kernelpeer

import "ipsec/golden/report"

// row is what came of a pairing.
type row struct {
	name                 string
	out, in, bulk, clean bool
}

// line is what came of a check.
type line struct {
	name, what string
	ok         bool
}

// outcomes is what doc/interop-kernel.md says.
type outcomes struct {
	rows   []*row
	checks []line
}

const head = `# Interoperability with the kernel of Linux

KLIPS against the ESP, AH and IPCOMP of a real kernel (Linux 6.1 as User-Mode Linux),
both keyed by hand: on our side by ipsec.conf and "ipsec setup start", on the
other by "ip xfrm". "go test ./golden/kernelpeer -update" writes this file.

- **to the kernel**: pings from us are answered: 3 of the usual size, one of each of 16
  lengths, one of 1000 bytes.
- **from the kernel**: the same the other way, of the usual size and of 1000 bytes.
- **TCP**: 256 KiB each way arrive as they were sent.
- **counters**: both sides counted the same packets on each SA, and no errors.

What is not named is a tunnel of IPv4 in IPv4.

`

// document is doc/interop-kernel.md.
func (r *outcomes) document() *report.Document {
	var d report.Document
	d.Add(head)
	d.Table("case", "to the kernel", "from the kernel", "TCP", "counters")
	for _, row := range r.rows {
		d.Row(row.name, report.Result(row.out), report.Result(row.in), report.Result(row.bulk), report.Result(row.clean))
	}
	d.Add("\n")
	d.Table("further", "what was seen", "result")
	for _, l := range r.checks {
		d.Row(l.name, l.what, report.Result(l.ok))
	}
	d.Add(foot)
	return &d
}

const foot = `
AH with SHA-2 in IPv4 needs "flag align4" on the kernel's side: RFC 4302 has
the header end at a multiple of 32 bits there, and without the flag that kernel
wants 64.
`
