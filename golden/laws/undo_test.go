package laws

import ("testing";"time")

func TestSmoke(t *testing.T) {
	for _, c := range []string{setup, setup+tunnel, setup+tunnel+defaultRoute, setup+tunnel6} {
	b := time.Now()
	g := newGateway(t, c, "")
	t.Log("machine", time.Since(b)); b = time.Now()
	g.state()
	t.Log("state", time.Since(b)); b = time.Now()
	g.must(0, "setup", "start")
	t.Log("start", time.Since(b)); b = time.Now()
	g.tables()
	t.Log("tables", time.Since(b)); b = time.Now()
	g.must(0, "setup", "stop")
	t.Log("stop", time.Since(b)); b = time.Now()
	}
}
