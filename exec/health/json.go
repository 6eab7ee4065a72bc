package health

import (
	"encoding/json"
	"io"
)

// Doc is what ipsec setup status --format json prints. Its version changes when a program that
// reads it would have to.
type Doc struct {
	Version  int      `json:"version"`
	Running  bool     `json:"running"` // a start has been, and no stop
	Strange  bool     `json:"strange"` // the exit status is 1
	Findings []string `json:"findings"`
	PlutoPID int      `json:"pluto_pid"` // 0: none runs, or nobody tells
	Tunnels  int      `json:"tunnels"`   // -1: could not be asked, as by a user who is not root
	Waiting  string   `json:"waiting"`   // that ipsec.conf has changes which nobody has confirmed; "": it has none

	Watched []Watched `json:"watched"`
}

// Doc returns h for programs.
func (h Health) Doc() Doc {
	findings := h.oddities()
	if findings == nil {
		findings = []string{}
	}
	watched := h.Watched
	if watched == nil {
		watched = []Watched{}
	}
	return Doc{Version: 1, Running: h.Setup, Strange: len(findings) > 0, Findings: findings, PlutoPID: h.PlutoPID, Tunnels: h.Tunnels, Watched: watched, Waiting: h.Waiting}
}

// WriteJSON writes the Doc of h.
func (h Health) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(h.Doc())
}
