package main

import (
	"slices"
	"testing"

	"ipsec/conf/keyword"
	"ipsec/klips/offload"
)

// TestNoOffload holds the words of nooffload= to those that ipsec klips takes.
func TestNoOffload(t *testing.T) {
	want := append([]string{"none", "all"}, offload.Names()...)
	for _, k := range keyword.All() {
		if k.Name == "nooffload" {
			if !slices.Equal(k.Values, want) {
				t.Errorf("nooffload= takes %q, want %q", k.Values, want)
			}
			return
		}
	}
	t.Error("there is no nooffload=")
}
