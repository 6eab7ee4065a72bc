package updown

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipsec/conf/info"
	"ipsec/klips"
	"ipsec/klips/route"
	"ipsec/pluto"
	"ipsec/pluto/connection"
)

// fakeHost keeps the routes that it is asked for.
type fakeHost struct {
	view route.Host
	ours map[string]route.Route
	fail string // a destination whose route cannot be set
}

func (h *fakeHost) Look() (*route.Table, error) { return route.NewTable(h.view), nil }

func (h *fakeHost) Replace(r route.Route) error {
	if r.Dst.String() == h.fail {
		return errors.New("refused")
	}
	h.ours[words(r)] = r
	return nil
}

func (h *fakeHost) Delete(r route.Route) error {
	if _, ok := h.ours[words(r)]; !ok {
		return syscall.ESRCH
	}
	delete(h.ours, words(r))
	return nil
}

type fakeRunner struct {
	ran  []string
	fail string
}

func (r *fakeRunner) Run(command string, variables []string, _ time.Duration) error {
	verb := strings.TrimPrefix(variables[0], "PLUTO_VERB=")
	r.ran = append(r.ran, command+" "+verb)
	if verb == r.fail {
		return errors.New("exit status 1")
	}
	return nil
}

type clock struct{}

func (clock) Now() time.Time { return time.Unix(1000, 0) }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func conn(name, remote string) (*pluto.Connection, klips.Selector) {
	end := func(addr, client string) pluto.End {
		return pluto.End{Host: pluto.Host{Kind: pluto.HostAddr, Addr: netip.MustParseAddr(addr)}, Clients: []netip.Prefix{prefix(client)}}
	}
	c := &pluto.Connection{Name: name, Local: end("192.0.2.1", "10.1.0.0/16"), Remote: end("192.0.2.9", remote)}
	return c, klips.Selector{Src: prefix("10.1.0.0/16"), Dst: prefix(remote)}
}

func usual() route.Host {
	return route.Host{
		Routes: []route.Route{
			{Dst: prefix("0.0.0.0/0"), Link: "eth0", Gateway: netip.MustParseAddr("192.0.2.254")},
			{Dst: prefix("192.0.2.0/24"), Link: "eth0"},
			{Dst: prefix("10.1.0.0/16"), Link: "eth1"},
		},
		Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.1.0.1")},
		Nets:  []route.Net{{Prefix: prefix("192.0.2.0/24"), Link: "eth0"}, {Prefix: prefix("10.1.0.0/16"), Link: "eth1"}},
	}
}

// loaded are the connections beside one.
type loaded struct {
	own    []netip.Prefix
	passes []klips.Selector
}

func (l loaded) Own(c *pluto.Connection) []netip.Prefix {
	return append(slices.Clone(l.own), c.Local.Clients...)
}

func (l loaded) Passes() []klips.Selector { return l.passes }

func newTest(t *testing.T) (*Updown, *fakeHost, *fakeRunner, string) {
	h, r := &fakeHost{view: usual(), ours: map[string]route.Route{}}, &fakeRunner{}
	info := filepath.Join(t.TempDir(), "ipsec.info")
	if err := os.WriteFile(info, []byte("klips=started\nhalf=a li"), 0o644); err != nil {
		t.Fatal(err)
	}
	return New(Config{Host: h, Clock: clock{}, Run: r, Info: info, Log: func(s string) { t.Log(s) }}), h, r, info
}

// words returns what ip(8) and ipsec.info name the route by.
func words(r route.Route) string { return strings.TrimPrefix(noteOf(r).String(), "route=") }

func (h *fakeHost) list() string { return strings.Join(slices.Sorted(maps.Keys(h.ours)), ", ") }

func TestRoutes(t *testing.T) {
	for _, c := range []struct {
		name   string
		extra  []route.Route
		remote string
		set    func(*pluto.Connection)
		want   string // the routes made, or a part of the error
		fails  bool
	}{
		{name: "plain", remote: "10.2.0.0/16", want: "ipsec0 10.2.0.0/16"},
		{name: "metric", remote: "10.2.0.0/16", set: func(c *pluto.Connection) { c.Metric = 5 }, want: "ipsec0 10.2.0.0/16 5"},
		{name: "everything by halves", remote: "0.0.0.0/0", want: "ipsec0 0.0.0.0/1, ipsec0 128.0.0.0/1"},
		{name: "a route of the host to the same place", extra: []route.Route{{Dst: prefix("10.2.0.0/16"), Link: "eth1", Gateway: netip.MustParseAddr("10.1.0.2")}},
			remote: "10.2.0.0/16", want: "ipsec0 10.2.0.0/17, ipsec0 10.2.128.0/17"},
		{name: "a worse one", extra: []route.Route{{Dst: prefix("10.2.0.0/16"), Link: "eth1", Metric: 100}}, remote: "10.2.0.0/16", want: "ipsec0 10.2.0.0/16"},
		{name: "a leak", extra: []route.Route{{Dst: prefix("10.2.7.0/24"), Link: "eth1", Gateway: netip.MustParseAddr("10.1.0.2")}},
			remote: "10.2.0.0/16", want: `take it away, "ip route del 10.2.7.0/24 via 10.1.0.2 dev eth1"`, fails: true},
		{name: "a leak to one host", extra: []route.Route{{Dst: prefix("10.2.0.9/32"), Link: "eth1"}},
			remote: "10.2.0.9/32", want: "ip route del 10.2.0.9/32 dev eth1", fails: true},
		{name: "a network of ours within the peer's", remote: "10.0.0.0/8", want: "ipsec0 10.0.0.0/8"},
		{name: "passthrough of what is routed", extra: []route.Route{{Dst: prefix("10.2.0.9/32"), Link: "eth1"}},
			remote: "10.2.0.9/32", set: func(c *pluto.Connection) { c.Shunt = pluto.ShuntPass }, want: ""},
		{name: "IPv6", extra: []route.Route{{Dst: prefix("2001:db8:2::/48"), Link: "eth1", Metric: 2000}},
			remote: "2001:db8:2::/48", want: "ipsec0 2001:db8:2::/48"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, h, _, info := newTest(t)
			h.view.Routes = append(h.view.Routes, c.extra...)
			conn, flow := conn("net", c.remote)
			if c.set != nil {
				c.set(conn)
			}
			err := u.Do(connection.ToRoute, conn, flow, "ipsec0", loaded{})
			if c.fails {
				if err == nil || !strings.Contains(err.Error(), c.want) || len(h.ours) > 0 {
					t.Fatalf("error %v and routes %s; want one that says %q", err, h.list(), c.want)
				}
				return
			}
			if err != nil || h.list() != c.want {
				t.Fatalf("routes %q, %v; want %q", h.list(), err, c.want)
			}
			text, _ := os.ReadFile(info)
			for route := range h.ours {
				if !strings.Contains(string(text), "\nroute="+route+"\n") {
					t.Errorf("ipsec.info does not have route=%s: %q", route, text)
				}
			}
			if err := u.Do(connection.Undo, conn, flow, "ipsec0", loaded{}); err != nil || len(h.ours) > 0 {
				t.Errorf("after unroute: %s, %v", h.list(), err)
			}
		})
	}
}

// TestForeign has peers choose networks of this host's neighbourhood.
func TestForeign(t *testing.T) {
	for _, c := range []struct{ choice, dst, refused string }{
		{"172.16.0.0/12", "172.16.1.0/24", ""},
		{"0.0.0.0/0", "172.16.1.0/24", ""},
		{"192.0.0.0/8", "192.0.2.0/24", "192.0.2.0/24 is a network of this host on eth0"},
		{"192.0.0.0/8", "192.0.2.254/32", "192.0.2.0/24 is a network of this host on eth0"},
		{"192.0.2.128/25", "192.0.2.200/32", ""}, // which are kept for them
		{"10.0.0.0/8", "10.9.4.0/24", "there is a route to 10.9.0.0/16 over eth1"},
		{"", "192.0.2.7/32", ""}, // a neighbour itself
	} {
		u, h, _, _ := newTest(t)
		h.view.Routes = append(h.view.Routes, route.Route{Dst: prefix("10.9.0.0/16"), Link: "eth1", Gateway: netip.MustParseAddr("10.1.0.254")})
		road, flow := conn("road", c.dst)
		road.Instance, road.Remote.Clients = 1, nil
		if c.choice != "" {
			road.Remote.Clients = []netip.Prefix{prefix(c.choice)}
		}
		err := u.Do(connection.ToRoute, road, flow, "ipsec0", loaded{})
		if got := fmt.Sprint(err); (err != nil) != (c.refused != "") || !strings.Contains(got, c.refused) {
			t.Errorf("%s from %s: %v, want %q", c.dst, c.choice, err, c.refused)
		}
		if err != nil && h.list() != "" {
			t.Errorf("routes are left: %s", h.list())
		}
	}
}

// TestShared has two connections that need one route.
func TestShared(t *testing.T) {
	u, h, _, _ := newTest(t)
	a, flow := conn("a", "10.2.0.0/16")
	b, _ := conn("b", "10.2.0.0/16")
	a.Local.SourceIP = netip.MustParseAddr("10.1.0.1")
	a.MTU = 1400
	for _, c := range []*pluto.Connection{a, b} {
		if err := u.Do(connection.ToRoute, c, flow, "ipsec0", loaded{}); err != nil {
			t.Fatal(err)
		}
	}
	if r := h.ours["ipsec0 10.2.0.0/16"]; r.Src != a.Local.SourceIP || r.MTU != 1400 {
		t.Errorf("route %+v has neither source nor MTU", r)
	}
	u.Do(connection.Undo, a, flow, "ipsec0", loaded{})
	if h.list() != "ipsec0 10.2.0.0/16" {
		t.Error("the route went with the first of the two")
	}
	u.Do(connection.Undo, b, flow, "ipsec0", loaded{})
	if h.list() != "" {
		t.Error("the route is still there")
	}
}

// TestHalves has the second of two routes fail.
func TestHalves(t *testing.T) {
	u, h, _, _ := newTest(t)
	h.fail = "128.0.0.0/1"
	c, flow := conn("all", "0.0.0.0/0")
	if err := u.Do(connection.ToRoute, c, flow, "ipsec0", loaded{}); err == nil || h.list() != "" {
		t.Errorf("routes %q, error %v", h.list(), err)
	}
}

func TestCustom(t *testing.T) {
	u, h, r, path := newTest(t)
	c, flow := conn("net", "10.2.0.0/16")
	c.Local.Updown = "/etc/up"
	do := func(verbs ...connection.Verb) {
		for _, v := range verbs {
			if err := u.Do(v, c, flow, "ipsec0", loaded{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	do(connection.Prepare, connection.ToRoute, connection.ToUp)
	text, _ := os.ReadFile(path)
	first, _, _ := strings.Cut(string(text[strings.Index(string(text), "hook="):]), "\n")
	line, _ := info.Parse(first)
	note, ok := line.(info.Hook)
	if !ok || note.Command != "/etc/up" || note.Suffix != "-client" || !slices.Contains(note.Env, "PLUTO_PEER_CLIENT=10.2.0.0/16") {
		t.Errorf("noted %+v", note)
	}
	do(connection.ToDown, connection.Undo)
	want := "/etc/up prepare-client, /etc/up route-client, /etc/up up-client, /etc/up down-client, /etc/up unroute-client"
	if got := strings.Join(r.ran, ", "); got != want || len(h.ours) > 0 {
		t.Errorf("ran %s\nwant %s", got, want)
	}
	text, _ = os.ReadFile(path)
	if !strings.Contains(string(text), "\nunhook=net -client /etc/up ") {
		t.Errorf("ipsec.info still has the hook: %q", text)
	}
	r.fail = "route-client"
	if err := u.Do(connection.ToRoute, c, flow, "ipsec0", loaded{}); err == nil || !strings.Contains(err.Error(), `"/etc/up": exit status 1`) {
		t.Errorf("a command that fails: %v", err)
	}
}

// TestNotesOfOthers: what somebody else has noted since counts, so that a route which was noted and taken back is
// noted again.
func TestNotesOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ipsec.info")
	n, line := notes{path: path}, info.Route{Dst: prefix("10.0.2.0/24"), Link: "ipsec0"}
	other := info.Appender{Path: path, Create: true}
	for i, err := range []error{other.Append(info.Klips), n.add(line), n.add(line), other.Append(info.Unroute(line)), n.add(line), n.add(line)} {
		if err != nil {
			t.Fatal(i, err)
		}
	}
	lines, _, err := info.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{info.Klips.String(), line.String(), info.Unroute(line).String(), line.String()}; !slices.Equal(lines, want) {
		t.Errorf("noted is %q, expected %q", lines, want)
	}
}

// TestNotesFull has Pluto leave room in ipsec.info for stop and start, and say so
// once.
func TestNotesFull(t *testing.T) {
	for _, size := range []int{mostNotes + 1, info.MaxSize + 1} {
		path, said := filepath.Join(t.TempDir(), "ipsec.info"), 0
		if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
		n := notes{path: path, log: func(string) { said++ }}
		for range 2 {
			if err := n.add(info.Route{Dst: prefix("10.2.0.0/16"), Link: "ipsec0"}); err != nil {
				t.Error(err)
			}
		}
		if after, err := os.Stat(path); err != nil || after.Size() != int64(size) || said != 1 {
			t.Errorf("%d bytes became %d, said %d times, %v", size, after.Size(), said, err)
		}
	}
}

// TestDefault is ipsec _updown: with the variables that a command gets, it does
// what the default does.
func TestDefault(t *testing.T) {
	h := &fakeHost{view: usual(), ours: map[string]route.Route{}}
	c, flow := conn("net", "10.2.0.0/16")
	c.Metric = 7
	env := map[string]string{}
	for _, v := range environment(c, flow, "ipsec1").Variables() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	run := func(verb string) error {
		env["PLUTO_VERB"] = verb
		return Default(h, "", func(name string) string { return env[name] }, func(string) {})
	}
	for _, verb := range []string{"prepare-client", "route-client", "up-client"} {
		if err := run(verb); err != nil {
			t.Fatal(err)
		}
	}
	if h.list() != "ipsec1 10.2.0.0/16 7" {
		t.Errorf("routes %q", h.list())
	}
	if err := errors.Join(run("down-client"), run("unroute-client")); err != nil || h.list() != "" {
		t.Errorf("routes %q, %v", h.list(), err)
	}
	for name, value := range map[string]string{"PLUTO_VERB": "dance", "PLUTO_PEER_CLIENT": "10.2", "PLUTO_INTERFACE": "", "PLUTO_METRIC": "-1"} {
		was := env[name]
		env[name] = value
		verb := "route-client"
		if name == "PLUTO_VERB" {
			verb = value
		}
		if err := run(verb); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
		env[name] = was
	}
}

func TestShell(t *testing.T) {
	var out strings.Builder
	s := Shell{Env: []string{"PATH=/usr/bin:/bin"}, Output: &out}
	ours, err := os.Create(filepath.Join(t.TempDir(), "ours"))
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := s.Run(t.Context(), "echo $PLUTO_VERB; pwd; ls -l /proc/self/fd | grep -c /ours", []string{"PLUTO_VERB=up-client"}, time.Minute); err == nil {
		t.Error("grep found a file of ours among those that the command has open")
	}
	if got := strings.Fields(out.String()); fmt.Sprint(got) != "[up-client / 0]" {
		t.Errorf("it printed %q", got)
	}
	if err := s.Run(t.Context(), "exit 3", nil, time.Minute); err == nil || err.Error() != "exit status 3" {
		t.Errorf("exit 3: %v", err)
	}
	out.Reset()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := s.Run(ended, "sleep 60", nil, time.Minute); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "after") {
		t.Errorf("a command that is cut short: %v", err)
	}
	began := time.Now()
	if err := s.Run(t.Context(), "sleep 60 & sleep 60", nil, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "killed after 50ms") {
		t.Errorf("a command that hangs: %v", err)
	}
	if time.Since(began) > 10*time.Second {
		t.Error("it was waited for")
	}
}
