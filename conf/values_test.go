package conf_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"ipsec/conf"
)

// parseConn parses one conn of the given lines.
func parseConn(t *testing.T, lines ...string) (*conf.Conn, error) {
	t.Helper()
	c, err := conf.Parse("f", []byte("conn t\n\t"+strings.Join(lines, "\n\t")+"\n"))
	return c.Conn("t"), err
}

func TestConnValues(t *testing.T) {
	host := func(c *conf.Conn) any {
		return fmt.Sprintf("%d %v %s", c.Left.Host.Form, c.Left.Host.Addr, c.Left.Host.Name)
	}
	subnets := func(c *conf.Conn) any { return fmt.Sprint(c.Left.Subnets) }
	keylife := func(c *conf.Conn) any { return c.KeyLife }
	protoport := func(c *conf.Conn) any { return fmt.Sprint(c.Left.ProtoPort) }
	for _, tt := range []struct {
		line string
		get  func(*conf.Conn) any
		want any // nil: an error
	}{
		{"left=192.0.2.1", host, fmt.Sprintf("%d %v %s", conf.HostAddr, "192.0.2.1", "")},
		{"left=::ffff:192.0.2.1", host, fmt.Sprintf("%d %v %s", conf.HostAddr, "192.0.2.1", "")},
		{"left=2001:db8::1", host, fmt.Sprintf("%d %v %s", conf.HostAddr, "2001:db8::1", "")},
		{"left=%any", host, fmt.Sprintf("%d %v %s", conf.HostAny, "invalid IP", "")},
		{"left=0.0.0.0", host, fmt.Sprintf("%d %v %s", conf.HostAny, "invalid IP", "")},
		{"left=%eth0", host, fmt.Sprintf("%d %v %s", conf.HostAny, "invalid IP", "eth0")},
		{"left=%DefaultRoute", host, fmt.Sprintf("%d %v %s", conf.HostDefaultRoute, "invalid IP", "")},
		{"left=gw.example.net", host, fmt.Sprintf("%d %v %s", conf.HostName, "invalid IP", "gw.example.net")},
		{"left=gw.example.net.", host, fmt.Sprintf("%d %v %s", conf.HostName, "invalid IP", "gw.example.net.")},
		{"left=%", host, nil},
		{"left=%anz", host, nil},
		{"left=1.2.3", host, nil},
		{"left=fe80::1%eth0", host, nil},
		{"left=a b", host, nil},
		{"left=-x", host, nil},

		{"leftsubnet=10.0.0.0/8", subnets, "[10.0.0.0/8]"},
		{"leftsubnet=10/8", subnets, "[10.0.0.0/8]"},
		{"leftsubnet=10.1/255.255.0.0", subnets, "[10.1.0.0/16]"},
		{"leftsubnet=0/0", subnets, "[0.0.0.0/0]"},
		{"leftsubnet=%default", subnets, "[0.0.0.0/0]"},
		{"leftsubnet=192.0.2.5", subnets, "[192.0.2.5/32]"},
		{"leftsubnet=192.0.2.5/24", subnets, "[192.0.2.0/24]"},
		{"leftsubnet=10.1.0.0/16,10.2.0.0/16", subnets, "[10.1.0.0/16 10.2.0.0/16]"},
		{"leftsubnets={10.1.0.0/16,2001:db8::/32 10.2.0.0/16}", subnets, "[10.1.0.0/16 2001:db8::/32 10.2.0.0/16]"},
		{"leftsubnet=10.1.0.0/16\n\tleftsubnets={10.1.0.0/16 10.3.0.0/16}", subnets, "[10.1.0.0/16 10.3.0.0/16]"},
		{"leftsubnet=%dynamic", subnets, "[]"},
		{"leftsubnet=vhost:%priv,%no", func(c *conf.Conn) any { return c.Left.Virtual }, "vhost:%priv,%no"},
		{"leftsubnet=10.0.0.0/255.0.255.0", subnets, nil},
		{"leftsubnet=10.0.0.0/", subnets, nil},
		{"leftsubnet=10.0.0.0/+8", subnets, nil},
		{"leftsubnet=/8", subnets, nil},
		{"leftsubnet=10.0.0.0.0/8", subnets, nil},
		{"leftsubnet=2001:db8::/129", subnets, nil},

		{"keylife=3600", keylife, 3600},
		{"lifetime=3600s", keylife, 3600},
		{"salifetime=60m", keylife, 3600},
		{"ipsec-lifetime=1.5H", keylife, 5400},
		{"ipsec_lifetime=1d", keylife, 86400},
		{"keylife=1w", keylife, nil},
		{"keylife=h", keylife, nil},
		{"keylife=-1", keylife, nil},
		{"keylife=1e9", keylife, nil},
		{"keylife=99999d", keylife, nil},

		{"leftprotoport=17/1701", protoport, "{17 1701 false}"},
		{"leftprotoport=udp/l2tp", protoport, "{17 1701 false}"},
		{"leftprotoport=UDP/%any", protoport, "{17 0 true}"},
		{"leftprotoport=tcp", protoport, "{6 0 false}"},
		{"leftprotoport=tcp/0", protoport, "{6 0 false}"},
		{"leftprotoport=tcp/65536", protoport, nil},
		{"leftprotoport=256", protoport, nil},
		{"leftprotoport=%any/500", protoport, nil},

		{"authby=psk", func(c *conf.Conn) any { return c.AuthBy }, "secret"},
		{"authby=pubkey", func(c *conf.Conn) any { return c.AuthBy }, "rsasig"},
		{"authby=rsasig|psk", func(c *conf.Conn) any { return c.AuthBy }, "secret|rsasig"},
		{"authby=rsa-sha2, ecdsa", func(c *conf.Conn) any { return c.AuthBy }, "rsa-sha2|ecdsa"},
		{"leftauth=rsa-2048-sha256", func(c *conf.Conn) any { return c.Left.Auth }, "rsasig"},
		{"leftauth=magic", func(c *conf.Conn) any { return c.Left.Auth }, nil},
		{"left=%any6", func(c *conf.Conn) any { return c.Left.Host.Six }, true},
		{"ike_frag=force", func(c *conf.Conn) any { return c.Fragmentation }, "force"},
		{"replay-window=8", func(c *conf.Conn) any { return c.ReplayWindow }, 32},
		{"keyexchange=ikev2", func(c *conf.Conn) any { return c.KeyExchange + c.IKEv2 }, "ikev2insist"},
		{"keyexchange=IKEv1", func(c *conf.Conn) any { return c.KeyExchange + c.IKEv2 }, "ikev1never"},
		{"ikev2=yes", func(c *conf.Conn) any { return c.IKEv2 }, "propose"},
		{"ikev2=no", func(c *conf.Conn) any { return c.IKEv2 }, "never"},
		{"margintime=5m", func(c *conf.Conn) any { return c.RekeyMargin }, 300},
		{"phase2alg=aes128-sha1", func(c *conf.Conn) any { return c.ESP }, "aes128-sha1"},
		{"encapsulation=yes", func(c *conf.Conn) any { return c.ForceEncaps }, true},
		{"encapsulation=auto", func(c *conf.Conn) any { return c.ForceEncaps }, false},
		{"aggressive=yes", func(c *conf.Conn) any { return c.Aggressive }, true},
		{"AggrMode=1", func(c *conf.Conn) any { return c.Aggressive }, true},
		{"keyingtries=%forever", func(c *conf.Conn) any { return c.KeyingTries }, 0},
		{"spi=0x1ff", func(c *conf.Conn) any { return c.SPI }, uint32(0x1ff)},
		{"spi=0xffffffff", func(c *conf.Conn) any { return c.SPI }, uint32(0xffffffff)},
		{"spi=0x100000000", func(c *conf.Conn) any { return c.SPI }, nil},
		{"spi=0xff", func(c *conf.Conn) any { return c.SPI }, nil},
		{"spi=0x1_00", func(c *conf.Conn) any { return c.SPI }, nil},
		{"spibase=0x210", func(c *conf.Conn) any { return c.SPIBase }, uint32(0x210)},
		{"spibase=0x211", func(c *conf.Conn) any { return c.SPIBase }, nil},
		{"leftespspi=512", func(c *conf.Conn) any { return c.Left.ESPSPI }, uint32(512)},
		{"espreplay_window=4096", func(c *conf.Conn) any { return c.ESPReplayWindow }, 4096},
		{"espreplay-window=1", func(c *conf.Conn) any { return c.ESPReplayWindow }, 32},
		{"ahreplay_window=4097", func(c *conf.Conn) any { return c.AHReplayWindow }, nil},
		{"leftupdown=\"a\tb\"", func(c *conf.Conn) any { return c.Left.Updown }, nil},
		{"leftid=a\x01", func(c *conf.Conn) any { return c.Left.ID }, nil},
		{"leftid=a\u0085", func(c *conf.Conn) any { return c.Left.ID }, nil},
		{"leftid=a\x00b", func(c *conf.Conn) any { return c.Left.ID }, nil},
		{"leftid=\xff", func(c *conf.Conn) any { return c.Left.ID }, nil},
		{"leftid=Zürich", func(c *conf.Conn) any { return c.Left.ID }, "Zürich"},
		{"leftid = \"C=DE, CN=x\"  # mine", func(c *conf.Conn) any { return c.Left.ID }, "C=DE, CN=x"},
		{"leftid=a#b", func(c *conf.Conn) any { return c.Left.ID }, "a#b"},
	} {
		c, err := parseConn(t, tt.line)
		switch {
		case tt.want == nil && err == nil:
			t.Errorf("%s: no error, got %v", tt.line, tt.get(c))
		case tt.want == nil && !strings.HasPrefix(err.Error(), "f:2:"):
			t.Errorf("%s: the error has no place: %v", tt.line, err)
		case tt.want != nil && (err != nil || !reflect.DeepEqual(tt.get(c), tt.want)):
			t.Errorf("%s: got %v, error %v; want %v", tt.line, tt.get(c), err, tt.want)
		}
	}
}

func TestSetupValues(t *testing.T) {
	for _, tt := range []struct {
		line string
		get  func(*conf.Setup) any
		want string // "": an error
	}{
		{"protostack=xfrm", func(s *conf.Setup) any { return s.Protostack }, "netkey"},
		{"protostack=kame", func(s *conf.Setup) any { return s.Protostack }, ""},
		{"interfaces=%none", func(s *conf.Setup) any { return s.Interfaces[0].Form }, fmt.Sprint(conf.InterfaceNone)},
		{`interfaces="%none ipsec0=eth0"`, func(s *conf.Setup) any { return s.Interfaces }, ""},
		{`interfaces="%defaultroute ipsec0=eth0"`, func(s *conf.Setup) any { return s.Interfaces }, ""},
		{"interfaces=ipsec00=eth0", func(s *conf.Setup) any { return s.Interfaces }, ""},
		{"interfaces=eth0=ipsec0", func(s *conf.Setup) any { return s.Interfaces }, ""},
		{"interfaces=ipsec0=a/b", func(s *conf.Setup) any { return s.Interfaces }, ""},
		{`interfaces="ipsec0=eth0 ipsec12=ppp0.100"`, func(s *conf.Setup) any {
			return fmt.Sprint(s.Interfaces[1].Virtual, s.Interfaces[1].Physical, s.Interfaces[1].Pos.Col)
		}, "ipsec12ppp0.10026"},
		{"syslog=LOCAL0.Info", func(s *conf.Setup) any { return s.Syslog }, "local0.info"},
		{"syslog=daemon", func(s *conf.Setup) any { return s.Syslog }, ""},
		{`klipsdebug="xmit, esp"`, func(s *conf.Setup) any { return s.KlipsDebug }, "[tunnel-xmit esp]"},
		{`nooffload="xdp packet"`, func(s *conf.Setup) any { return s.NoOffload }, "[xdp packet]"},
		{"nooffload=none", func(s *conf.Setup) any { return s.NoOffload }, "[]"},
		{"offload=xdp", func(s *conf.Setup) any { return s.Offload }, "[xdp]"},
		{"offload=none\n\tnooffload=all", func(s *conf.Setup) any { return s.Offload }, "[]"},
		{"offload=xdp\n\tnooffload=packet", func(s *conf.Setup) any { return s.Offload }, "[xdp]"},
		{"offload=packet", func(s *conf.Setup) any { return s.Offload }, ""},
		{"offload=xdp\n\tnooffload=all", func(s *conf.Setup) any { return s.Offload }, ""},
		{"offload=xdp\n\tnooffload=\"tso xdp\"", func(s *conf.Setup) any { return s.Offload }, ""},
		{"klipsdebug=none", func(s *conf.Setup) any { return s.KlipsDebug }, "[]"},
		{`plutoopts="--a  b"`, func(s *conf.Setup) any { return len(s.PlutoOpts) }, "2"},
		{"manualstart=%search", func(s *conf.Setup) any { return s.ManualStart }, "[]"},
		{"uniqueids=replace", func(s *conf.Setup) any { return s.UniqueIDs }, "true"},
		{"strictcrlpolicy=ifuri", func(s *conf.Setup) any { return s.StrictCRLPolicy }, "ifuri"},
		{"overridemtu=67", func(s *conf.Setup) any { return s.OverrideMTU }, ""},
		{"virtual-private=%v4:!10/8,%v6:fd00::/8", func(s *conf.Setup) any { return s.VirtualPrivate }, "[%v4:!10/8 %v6:fd00::/8]"},
		{"virtual_private=10.0.0.0/8", func(s *conf.Setup) any { return s.VirtualPrivate }, ""},
	} {
		c, err := conf.Parse("f", []byte("config setup\n\t"+tt.line+"\n"))
		if (err != nil) != (tt.want == "") || err == nil && fmt.Sprint(tt.get(&c.Setup)) != tt.want {
			t.Errorf("%s: got %v, error %v; want %q", tt.line, tt.get(&c.Setup), err, tt.want)
		}
	}
}
