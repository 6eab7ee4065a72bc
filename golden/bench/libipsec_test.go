package bench

import (
	"fmt"
	"os"
	"testing"

	"ipsec/golden/lab"
)

// charon is strongSwan's daemon as Debian has it.
const charon = "/usr/lib/ipsec/charon"

// strongswanConf loads what a tunnel with a secret takes, and kernel-libipsec
// for the packets.
const strongswanConf = `
charon {
	load = random nonce openssl aes sha1 sha2 hmac gcm kdf x25519 kernel-libipsec kernel-netlink socket-default vici updown
	install_routes = yes
	plugins {
		kernel-libipsec {
			load = yes
		}
	}
}
`

// newLibipsec returns a rig whose gateways run strongSwan with kernel-libipsec.
func newLibipsec(t testing.TB, proposal string) *rig {
	t.Helper()
	if _, err := os.Stat(charon); err != nil {
		lab.Missing(t, "this needs strongSwan: %v", err)
	}
	lab.NeedProgram(t, "swanctl")
	r := newRig(t, "kernel-libipsec "+proposal)
	for i, m := range []*lab.Machine{r.east, r.west} {
		start := []string{"none", "start"}[i]
		local, remote := []string{eastAddr, westAddr}[i], []string{eastAddr, westAddr}[1-i]
		mine, theirs := []string{"10.0.2.0/24", "10.0.1.0/24"}[i], []string{"10.0.2.0/24", "10.0.1.0/24"}[1-i]
		conns := fmt.Sprintf(`
connections {
	peer {
		version = 2
		local_addrs = %s
		remote_addrs = %s
		proposals = aes128-sha256-x25519
		local { 
			auth = psk 
		}
		remote { 
			auth = psk 
		}
		children {
			net {
				local_ts = %s
				remote_ts = %s
				esp_proposals = %s
				start_action = %s
			}
		}
	}
}
secrets {
	ike-peer { 
		secret = "a secret that protects nothing" 
	}
}
`, local, remote, mine, theirs, proposal, start)
		err := m.Do(func() error {
			if err := os.WriteFile("/etc/strongswan.conf", []byte(strongswanConf), 0o644); err != nil {
				return err
			}
			return os.WriteFile("/etc/swanctl/conf.d/bench.conf", []byte(conns), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		r.daemons = append(r.daemons, r.start(t, m, charon))
		m.Until(t, "test -S /var/run/charon.vici")
		m.Sh(t, "swanctl --load-all --noprompt")
	}
	r.up(t)
	for _, m := range []*lab.Machine{r.west, r.east} {
		m.Sh(t, fmt.Sprintf("ip link set ipsec0 mtu %d", innerMTU-20)) // what it makes of more does not fit the link
	}
	return r
}
