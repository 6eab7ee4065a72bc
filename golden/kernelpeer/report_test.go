package kernelpeer

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

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

// report is what doc/interop-kernel.md says.
type report struct {
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

| case | to the kernel | from the kernel | TCP | counters |
|---|---|---|---|---|
`

func (r *report) String() string {
	var b strings.Builder
	word := map[bool]string{true: "yes", false: "**no**"}
	b.WriteString(head)
	for _, row := range r.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.name, word[row.out], word[row.in], word[row.bulk], word[row.clean])
	}
	b.WriteString("\n| further | what was seen | result |\n|---|---|---|\n")
	for _, l := range r.checks {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", l.name, l.what, word[l.ok])
	}
	b.WriteString(foot)
	return b.String()
}

const foot = `
AH with SHA-2 in IPv4 needs "flag align4" on the kernel's side: RFC 4302 has
the header end at a multiple of 32 bits there, and without the flag that kernel
wants 64.
`

// compare compares the report with the file, or writes it.
func (r *report) compare(t *testing.T, file string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(r.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != r.String() {
		t.Errorf("%s is not what came of this; run with -update\n%s", file, r)
	}
}
