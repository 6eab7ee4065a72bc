package ikebench

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipsec/golden/lab"
)

// warm is how many handshakes go before those that are measured.
const warm = 50

// rate is in handshakes for each second of a processor's time, by the subject's
// processes before and after n of them.
func rate(b testing.TB, s subject, n int, do func()) []figure {
	b.Helper()
	var before, spent []time.Duration
	for _, p := range s.processes() {
		before = append(before, cpu(b, p.pid))
	}
	do()
	total := time.Duration(0)
	for i, p := range s.processes() {
		spent = append(spent, cpu(b, p.pid)-before[i])
		total += spent[i]
	}
	list := []figure{{"", float64(n) / total.Seconds()}}
	for i, p := range s.processes() {
		list = append(list, figure{p.name + ", ms for each", 1000 * spent[i].Seconds() / float64(n)})
	}
	return list
}

// responder measures handshakes that the subject answers.
func responder(b testing.TB, s subject) []figure {
	ours, theirs := newPair(b)
	g := newGenerator(b, ours)
	s.start(b, theirs, plan{})
	defer s.stop(b)
	g.initiate(b, 0, warm)
	return rate(b, s, *count, func() { g.initiate(b, warm, *count) })
}

// initiator measures handshakes that the subject begins, each for a connection
// of its own.
func initiator(b testing.TB, s subject) []figure {
	ours, theirs := newPair(b)
	g := newGenerator(b, ours)
	s.start(b, theirs, plan{conns: warm + *count})
	defer s.stop(b)
	g.respond(b, s, 0, warm)
	return rate(b, s, *count, func() { g.respond(b, s, warm, *count) })
}

// ikeDaemon is the part of memory that is comparable where the ESP is elsewhere.
const ikeDaemon = "the IKE daemon of that alone"

// memory measures what a tunnel that the subject has answered takes, in kB. charon
// has its ESP inside.
func memory(b testing.TB, s subject) []figure {
	ours, theirs := newPair(b)
	g := newGenerator(b, ours)
	s.start(b, theirs, plan{})
	defer s.stop(b)
	g.initiate(b, 0, warm)
	var before, grown []float64
	for _, p := range s.processes() {
		before = append(before, float64(resident(b, p.pid)))
	}
	g.initiate(b, warm, *tunnels)
	total, ike := 0.0, 0.0
	for i, p := range s.processes() {
		grown = append(grown, (float64(resident(b, p.pid))-before[i])/1024/float64(*tunnels))
		total += grown[i]
		if p.name != "KLIPS" {
			ike += grown[i]
		}
	}
	list := []figure{{"", total}, {ikeDaemon, ike}}
	for i, p := range s.processes() {
		list = append(list, figure{p.name, grown[i]})
	}
	return list
}

// load measures how long a start with many connections takes, in seconds.
func load(b testing.TB, s subject) []figure {
	_, theirs := newPair(b)
	began := time.Now()
	s.start(b, theirs, plan{conns: *tunnels})
	took := time.Since(began)
	s.stop(b)
	return []figure{{"", took.Seconds()}}
}

// firstPing measures how long after the start of the subject a ping through a
// tunnel is answered that has to be negotiated first, in milliseconds. The peer is
// ours.
func firstPing(b testing.TB, s subject) []figure {
	ours, theirs := newPair(b)
	ours.Sh(b, "ip addr add "+clientOf(0)+"/32 dev lo")
	theirs.Sh(b, "ip route del default") // no ping goes anywhere but into the tunnel
	peer := &plutoSubject{}
	peer.start(b, ours, plan{peer: true})
	defer peer.stop(b)
	answered, done := make(chan time.Time, 1), make(chan struct{})
	defer close(done)
	go ping(b, theirs, answered, done)
	began := time.Now()
	s.start(b, theirs, plan{conns: 1, now: true})
	defer s.stop(b)
	select {
	case at := <-answered:
		return []figure{{"", 1000 * at.Sub(began).Seconds()}}
	case <-time.After(30 * time.Second):
		b.Fatal("no ping was answered within 30 seconds")
		return nil
	}
}

// ping sends a ping each millisecond until one is answered or done is closed.
func ping(b testing.TB, m *lab.Machine, answered chan<- time.Time, done <-chan struct{}) {
	var conn net.PacketConn
	err := m.Do(func() (err error) {
		conn, err = net.ListenPacket("ip4:icmp", "10.255.0.1")
		return err
	})
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	echo := []byte{8, 0, 0, 0, 'i', 'b', 0, 1}
	sum := uint32(0)
	for i := 0; i < len(echo); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(echo[i:]))
	}
	binary.BigEndian.PutUint16(echo[2:], ^uint16(sum+sum>>16))
	to := &net.IPAddr{IP: netip.MustParseAddr(clientOf(0)).AsSlice()}
	buf := make([]byte, 1500)
	for {
		select {
		case <-done:
			return
		default:
		}
		conn.WriteTo(echo, to) // for as long as there is no route, it goes nowhere
		conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, from, err := conn.ReadFrom(buf)
		if err == nil && n >= 8 && buf[0] == 0 && strings.HasPrefix(from.String(), clientOf(0)) {
			answered <- time.Now()
			return
		}
	}
}
