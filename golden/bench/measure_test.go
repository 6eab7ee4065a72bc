package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
)

// A sample is one measurement: the figure, and what the gateways used for it.
type sample struct {
	value float64 // in the unit of the measurement, more is better unless it is a time
	cost  float64 // CPU time of the daemons for a GB, or for a million packets, in seconds
}

// A measurement is one thing that is measured.
type measurement struct {
	name, unit string
	lower      bool // is better
	take       func(t testing.TB, r *rig, long time.Duration) sample
}

type report struct {
	End struct {
		Received struct {
			Bytes   float64 `json:"bytes"`
			Rate    float64 `json:"bits_per_second"`
			Packets float64 `json:"packets"`
		} `json:"sum_received"`
		Sum struct {
			Packets float64 `json:"packets"`
			Lost    float64 `json:"lost_packets"`
			Seconds float64 `json:"seconds"`
		} `json:"sum"`
	} `json:"end"`
	Error string `json:"error"`
}

// iperf runs iperf3 from the left client to the right one.
func iperf(t testing.TB, r *rig, long time.Duration, args ...string) (report, time.Duration) {
	t.Helper()
	r.start(t, r.right, "iperf3", "-s", "-1")
	r.right.Until(t, "ss -ltn | grep -q :5201")
	before := r.cpu(t)
	out := r.foreground(t, r.left, "iperf3", append([]string{"-c", rightClient, "-J", "-t", fmt.Sprint(int(long.Seconds()))}, args...)...)
	used := r.cpu(t) - before
	var rep report
	if err := json.Unmarshal([]byte(out), &rep); err != nil {
		t.Fatalf("iperf3 printed %s", out)
	}
	if rep.Error != "" {
		t.Fatalf("iperf3: %s", rep.Error)
	}
	return rep, used
}

// stream measures so many TCP flows, in Gbit/s.
func stream(flows int) func(testing.TB, *rig, time.Duration) sample {
	return func(t testing.TB, r *rig, long time.Duration) sample {
		rep, used := iperf(t, r, long, "-P", fmt.Sprint(flows))
		return sample{rep.End.Received.Rate / 1e9, used.Seconds() / (rep.End.Received.Bytes / 1e9)}
	}
}

// small measures UDP packets of 64 bytes that arrive, in thousands a second.
func small(t testing.TB, r *rig, long time.Duration) sample {
	rep, used := iperf(t, r, long, "-u", "-b", "0", "-l", "64")
	arrived := rep.End.Sum.Packets - rep.End.Sum.Lost
	return sample{arrived / rep.End.Sum.Seconds / 1e3, used.Seconds() / (arrived / 1e6)}
}

var timed = regexp.MustCompile(`time=([0-9.]+) ms`)

// roundTrip measures pings from client to client, in µs: the median, since the
// machine's other work distorts the mean.
func roundTrip(t testing.TB, r *rig, long time.Duration) sample {
	const interval = 2 * time.Millisecond
	count := int(long / interval)
	before := r.cpu(t)
	out := r.foreground(t, r.left, "ping", "-i", fmt.Sprint(interval.Seconds()), "-c", fmt.Sprint(count), rightClient)
	used := r.cpu(t) - before
	var times []float64
	for _, m := range timed.FindAllStringSubmatch(out, -1) {
		ms, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, ms)
	}
	if len(times) < count/2 {
		t.Fatalf("%d of %d pings came back", len(times), count)
	}
	slices.Sort(times)
	return sample{median(times) * 1e3, used.Seconds() / (float64(count) / 1e6)}
}

func quick() bool { return os.Getenv("IPSEC_BENCH") == "quick" }
