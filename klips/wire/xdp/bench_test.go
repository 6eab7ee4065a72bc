package xdp

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	bpflink "github.com/cilium/ebpf/link"

	"ipsec/golden/lab"
	"ipsec/klips/packet"
)

// BenchmarkLink sends packets from one namespace to another, the program run by
// the kernel's stack and by the driver. The processor's time is that of both ends.
func BenchmarkLink(b *testing.B) {
	for name, mode := range map[string]bpflink.XDPAttachFlags{"generic": bpflink.XDPGenericMode, "native": bpflink.XDPDriverMode} {
		b.Run(name, func(b *testing.B) { benchmarkLink(b, mode) })
	}
}

func benchmarkLink(b *testing.B, mode bpflink.XDPAttachFlags) {
	const size, batch = 1460, 44
	c := newCable(b)
	attach := func(m *lab.Machine) (l *Link) {
		err := m.Do(func() (err error) {
			l, err = c.program.attach("wan", mode)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { end(b, l) })
		return l
	}
	from, to := attach(c.west), attach(c.east)
	if err := to.SetLocal([]netip.Addr{east4}); err != nil {
		b.Fatal(err)
	}
	out := packet.NewBuffers(batch, size)
	for _, p := range out {
		p.Set(whole(packet.Outer{Src: west4, Dst: east4, Proto: packet.ESP}, marked(0, size-packet.IPv4Len)))
	}
	head := c.header(unix.ETH_P_IP)
	arrived := make(chan int)
	go func() {
		in, total := packet.NewBuffers(receiveBatch, 0), 0
		for {
			n, err := to.Inlets()[0].ReadBatch(in)
			if err != nil {
				break
			}
			total += n
		}
		arrived <- total
	}()
	before, sent := processor(b), 0
	for b.Loop() {
		n, err := from.Send(head, out)
		if err != nil {
			b.Fatal(err)
		}
		sent += n
	}
	took := b.Elapsed()
	used := processor(b) - before
	to.Close()
	n := float64(<-arrived)
	b.ReportMetric(n/took.Seconds()/1e3, "kpps")
	b.ReportMetric(n*size*8/took.Seconds()/1e9, "Gbit/s")
	b.ReportMetric(100*(1-n/float64(sent)), "%lost")
	b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/packet")
}

// processor returns how long the process has used a processor.
func processor(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
