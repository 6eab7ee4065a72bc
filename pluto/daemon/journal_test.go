package daemon

import (
	"reflect"
	"testing"
)

func TestJournal(t *testing.T) {
	var j Journal
	add := func(kind Kind, name string) {
		if err := j.Keep(Entry{Kind: kind, Name: name}); err != nil {
			t.Error(err)
		}
	}
	names := func() (list []string) {
		for _, e := range j.Entries() {
			list = append(list, string(e.Kind)+" "+e.Name)
		}
		return list
	}
	add("add", "a")
	add("add", "b")
	add("listen", "")
	add("route", "a")
	add("route", "b")
	add("initiate", "a")
	add("listen", "") // a second one takes the place of the first
	if want := []string{"add a", "add b", "route a", "route b", "initiate a", "listen "}; !reflect.DeepEqual(names(), want) {
		t.Errorf("kept %q, want %q", names(), want)
	}
	j.Drop("initiate", "a")
	j.Drop("", "b")
	if want := []string{"add a", "route a", "listen "}; !reflect.DeepEqual(names(), want) {
		t.Errorf("after dropping: %q, want %q", names(), want)
	}
	if err := j.Keep(Entry{Kind: "evil", Name: "a"}); err == nil || len(j.Entries()) != 3 {
		t.Errorf("a message of unknown kind is kept: %v", err)
	}
}
