package laws

// Keys that are published with this program, and protect nothing.
const (
	keys3DES = `
	esp=3des-md5-96
	espenckey=0x0ddba110_0ddba111_0ddba112_0ddba113_0ddba114_0ddba115
	espauthkey=0x0ddba110_0ddba111_0ddba112_0ddba113
`
	setup = `version 2.0

config setup
	pluto=no
`
	ends = `
	left=192.0.2.1
	right=192.0.2.2
	auto=manual
`
	tunnel = `
conn tunnel` + ends + keys3DES + `
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.2.0/24
	spi=0x200
`
	transport = `
conn transport` + ends + keys3DES + `
	type=transport
	spi=0x300
`
	tunnel6 = `
conn tunnel6
	left=2001:db8:1::1
	right=2001:db8:1::2
	leftsubnet=2001:db8:a::/64
	rightsubnet=2001:db8:b::/64
	spi=0x400
	auto=manual
	esp=aes128-sha1
	espenckey=0x0ddba110_0ddba111_0ddba112_0ddba113
	espauthkey=0x0ddba110_0ddba111_0ddba112_0ddba113_0ddba114
`
	mixed = `
conn mixed` + ends + keys3DES + `
	leftsubnet=2001:db8:a::/64
	rightsubnet=2001:db8:c::/64
	spi=0x500
`
	shunts = `
conn pass
	left=192.0.2.1
	right=198.51.100.2
	type=passthrough
	rightsubnet=10.0.5.0/24
	auto=manual

conn drop
	also=pass
	type=drop
	rightsubnet=10.0.6.0/24
	auto=manual

conn reject
	left=192.0.2.1
	right=198.51.100.2
	type=reject
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.7.0/24
	auto=manual
`
	defaultRoute = `
conn road
	left=%defaultroute
	right=198.51.100.9
	rightsubnet=10.0.9.0/24
	spi=0x600
	ah=hmac-sha1-96
	ahkey=0x0ddba110_0ddba111_0ddba112_0ddba113_0ddba114
	esp=null-md5-96
	espauthkey=0tnumberseventeen!
	auto=manual

conn everything
	left=%defaultroute
	right=198.51.100.10
	rightsubnet=0.0.0.0/0
	spi=0x700
	esp=aes128gcm16
	forceencaps=yes
	espenckey=0x0ddba110_0ddba111_0ddba112_0ddba113_0ddba114
	auto=manual
`
	updown = `
conn hooked` + ends + keys3DES + `
	leftsubnet=10.0.1.0/24
	rightsubnets={10.0.8.0/24 10.0.10.0/24}
	spi=0x800
	leftupdown="/etc/updown 'it''s' $HOME"
`
	// updownScript notes what it is called with, and makes its route.
	updownScript = `
cat > /etc/updown <<'.'
#!/bin/sh
{ echo "$@"; env | grep '^PLUTO_' | sort; } >> /var/run/updown.log
case $PLUTO_VERB in
route-client) ip route replace $PLUTO_PEER_CLIENT dev $PLUTO_INTERFACE ;;
unroute-client) ip route del $PLUTO_PEER_CLIENT dev $PLUTO_INTERFACE ;;
esac
.
chmod 755 /etc/updown
`
)
