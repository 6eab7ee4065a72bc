package laws

import (
	"strings"
	"testing"
)

// readOnly is shell that makes a file, and lets nobody write to it or remove it.
const readOnly = `
ro() {
	mkdir -p "$(dirname "$1")"
	test -e "$1" || : > "$1"
	mount --bind "$1" "$1"
	mount -o remount,ro,bind "$1"
}
`

// deaf takes port 500 before Pluto can.
const deaf = `python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("192.0.2.1", 500)); time.sleep(1000)' >/dev/null 2>&1 & until grep -q :01F4 /proc/net/udp; do sleep 0.01; done`

// TestParityFaults lets one thing go wrong for each op and failure policy.
func TestParityFaults(t *testing.T) {
	full := setup + "\tforwardcontrol=yes\n" + tunnel + mixed
	start := func(before string) []verb { return []verb{{before, "start"}, {"", "stop"}} }
	later := func(name, before string) []verb { return []verb{{"", "start"}, {before, name}} }
	for _, c := range []struct {
		name, text, prepare string
		verbs               []verb
		status              int    // of the verb at fault
		says                string // in it
	}{
		{"Lock", full, "", []verb{{"mkdir -p /var/run/pluto; sh -c 'exec 9< /var/run/pluto; flock 9; exec sleep 1000' >/dev/null 2>&1 & until flock -n /var/run/pluto true; [ $? = 1 ]; do :; done", "start"}},
			1, "another ipsec setup is at work"},
		{"MakeDirs", full, "", start("mount -t tmpfs -o ro tmpfs /var/run/"), 1, "failed to make /var/run/pluto"},
		{"WritePID", full, "", start("mkdir -p /var/run/pluto/ipsec_setup.pid"), 1, "failed to write /var/run/pluto/ipsec_setup.pid"},
		{"Write", full, "", start("ro /var/run/pluto/ipsec.info"), 1, "failed to write /var/run/pluto/ipsec.info"},
		{"Write a setting", full, "", start("ro /proc/sys/net/ipv4/ip_forward"), 1, "failed to turn on forwarding"},
		{"StartKlips", full, "", start("mkdir -p /var/run/pluto/klips.pid"), 1, "failed to start KLIPS"},
		{"StartKlips without a device", full, "", start("rm /dev/net/tun; touch /dev/net/tun; mount --bind /bin/false $(readlink -f $(which modprobe))"), 1, ""},
		{"Touch", full, "mkdir -p /var/lock/subsys", start("ro /var/lock/subsys/ipsec"), 1, "failed to make /var/lock/subsys/ipsec"},
		{"Attach", full, "", start("ip tuntap add ipsec0 mode tun"), 1, "failed to set up ipsec0 on eth0"},
		{"AddAddr", full, "", start("sysctl -qw net.ipv6.conf.default.disable_ipv6=1"), 1, "failed to set up ipsec0 on eth0"},
		{"SetMTU", setup + "\toverridemtu=65535\n" + tunnel, "", start(""), 0, ""},
		{"RPFilter", full, "", start("ro /proc/sys/net/ipv4/conf/eth0/rp_filter"), 1, "failed to set rp_filter"},
		{"AddRoute", setup + tunnel + mixed, "ip addr del 2001:db8:1::1/64 dev eth0", start("sysctl -qw net.ipv6.conf.default.disable_ipv6=1"), 0, "is not routed"},
		{"AddSA", setup + tunnel + "\nconn short" + ends + "\tspi=0x900\n\tesp=3des-md5-96\n\tespenckey=0x0ddba110\n\tespauthkey=0x0ddba110\n", "", start(""), 2, ""},
		{"Updown", setup + updown, updownScript, start("echo exit 3 >> /etc/updown"), 0, "is not routed"},
		{"Updown is not there", setup + updown, "", start(""), 0, "is not routed"},
		{"Run", "version 2.0\nconfig setup\n\tprepluto=\"exit 7\"\n" + tunnel + updown, updownScript, start(""), 1, "the command of prepluto failed"},
		{"StartPluto", "version 2.0\nconfig setup\n\tprepluto=true\n" + tunnel + updown, updownScript, start("mkdir -p /var/run/pluto/pluto.pid"), 1, "failed to start Pluto"},
		{"AddConn", "version 2.0\n" + negotiated + "\nconn oppo\n\tleft=192.0.2.1\n\tright=%opportunistic\n\tauto=add\n", "", start(""), 0, "is not loaded"},
		{"Listen", "version 2.0\n" + negotiated, "", start(deaf), 0, "Pluto does not listen"},
		{"RouteConn", "version 2.0\n" + negotiated, "", start(""), 0, `conn "elsewhere2" is not routed`},
		{"Initiate", "version 2.0\n\nconn deaf\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tauthby=secret\n\tauto=start\n", "", start(deaf), 0, "is not up"},
		{"Restore", full, "", later("stop", "ro /proc/sys/net/ipv4/conf/eth0/rp_filter"), 1, "...IPsec stopped"},
		{"Remove", full, "", later("stop", "ro /var/run/pluto/ipsec.info"), 1, "...IPsec stopped"},
		{"RemoveDir", full, "", later("stop", "touch /var/run/pluto/foreign"), 1, "...IPsec stopped"},
		{"Updown of stop", setup + updown, updownScript, later("stop", "printf '#!/bin/sh\\nexit 4\\n' > /etc/updown"), 0, "failed to go down"},
		{"an interface is gone", full, "", later("restart", "ip link del ipsec0"), 0, "...IPsec started"},
		{"KLIPS is gone", full, "", later("restart", "kill -9 $(cat /var/run/pluto/klips.pid); flock /var/run/pluto/klips.pid true"), 0, "...IPsec started"},
		{"restart with less", full, "", later("restart", "sed -i '/^conn mixed/,$d' /etc/ipsec.conf"), 0, "...IPsec started"},
		{"restart fails", full, "", later("restart", "ip link del ipsec0; ip tuntap add ipsec0 mode tun"), 1, "failed to set up"},
		{"restart elsewhere", full, "", later("restart", "sed -i '/^config setup/a interfaces=\"ipsec3=eth0\"' /etc/ipsec.conf; sed -i 's/^interfaces/\tinterfaces/' /etc/ipsec.conf"), 0, "...IPsec started"},
		{"stop without a lock", full, "", later("stop", "rm /var/run/pluto/ipsec_setup.pid"), 1, "doing cleanup anyway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := 0
			for i, v := range c.verbs {
				if v.before != "" {
					c.verbs[i].before, at = readOnly+v.before, i
				}
			}
			parity(t, c.text, c.prepare, c.verbs, func(t *testing.T, worlds []world) {
				w := worlds[at]
				if said := strings.Join(w.syslog, "\n"); w.status != c.status || !strings.Contains(said, c.says) {
					t.Errorf("native %s: status %d, want %d, and %q in\n%s", c.verbs[at].name, w.status, c.status, c.says, w.log)
				}
			})
		})
	}
}
