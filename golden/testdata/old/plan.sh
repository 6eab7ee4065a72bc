#!/bin/sh
# ipsec setup start
# of the configuration sha256:0431424258d290fbb3e711a4dd0ad112812a8dd095767bed4e75dd9d47d25734
# Each line is a step; the comment above it says where it comes from. sh runs
# it, and so does 'ipsec setup start --plan FILE' if it still is today's plan.
umask 022
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset IPSEC_CONFS IPSEC_CONF IPSEC_RUNDIR IPSEC_SYSLOG
IPSEC_SYSLOG=daemon.notice
export IPSEC_SYSLOG
status=0
trap 'exit 1' HUP INT TERM
undo() {
	trap '' HUP INT TERM
	ipsec _log "$1"
	# undoing a start that failed
	ipsec _log 'cannot start IPsec: undoing what was done'
	# undoing a start that failed
	ipsec _restore /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/default/forwarding /proc/sys/net/ipv4/conf/lan/forwarding /proc/sys/net/ipv4/conf/lo/forwarding /proc/sys/net/ipv4/conf/wan/forwarding /proc/sys/net/ipv4/conf/all/accept_redirects || :
	# undoing a start that failed
	ipsec _end klips || :
	# undoing a start that failed
	ipsec _restore /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/lan/rp_filter /proc/sys/net/ipv4/conf/lo/rp_filter /proc/sys/net/ipv4/conf/wan/rp_filter /proc/sys/net/ipv4/conf/default/rp_filter || :
	# undoing a start that failed
	rm -f /var/run/pluto/pluto.pid /var/run/pluto/pluto.ctl /var/run/pluto/klips.pid /var/run/pluto/klips.ctl /var/run/pluto/klips.ike || :
	# undoing a start that failed
	ipsec tncfg --clear || :
	# undoing a start that failed
	rm -f /var/run/pluto/ipsec.hooks /var/run/pluto/ipsec_setup.pid /var/run/pluto/ipsec.info || :
	# undoing a start that failed
	rmdir /var/run/pluto || :
	exit 1
}
# run folder /var/run/pluto is not there
mkdir -p /var/run/pluto || {
	# run folder /var/run/pluto
	ipsec _log 'failed to make /var/run/pluto'
	# run folder /var/run/pluto
	exit 1
}
# run folder /var/run/pluto
command exec 9< /var/run/pluto && flock -n 9 || {
	# run folder /var/run/pluto
	ipsec _log 'another ipsec setup is at work on /var/run/pluto; try again when it is done'
	# run folder /var/run/pluto
	exit 1
}
# running check
if ipsec _alive klips pluto interfaces; then
	# running check
	if ipsec _alive klips; then
		# running check
		ipsec _log 'KLIPS is running'
	fi
	# running check
	if ipsec _alive pluto; then
		# running check
		ipsec _log 'Pluto is running'
	fi
	# running check
	if ipsec _alive interfaces; then
		# running check
		ipsec _log 'there are virtual interfaces of ours'
	fi
	# running check
	if test -e /var/run/pluto/ipsec_setup.pid; then
		# running check
		ipsec _log 'IPsec is already running: run "ipsec setup stop" first, or "ipsec setup restart"'
	else
		# running check
		ipsec _log 'these are orphans, for there is no /var/run/pluto/ipsec_setup.pid: run "ipsec setup stop" first'
	fi
	# running check
	exit 1
fi
# stale lock
if test -e /var/run/pluto/ipsec_setup.pid; then
	# stale lock
	ipsec _log '/var/run/pluto/ipsec_setup.pid is there, but nothing of ours is alive: cleaning up'
	# what daemons that died leave behind
	rm -f /var/run/pluto/pluto.pid /var/run/pluto/pluto.ctl /var/run/pluto/klips.pid /var/run/pluto/klips.ctl /var/run/pluto/klips.ike || :
	# the lock of the subsystem, and its notes
	rm -f /var/run/pluto/ipsec.hooks /var/run/pluto/ipsec_setup.pid /var/run/pluto/ipsec.info || :
fi
# announcement
ipsec _log 'Starting IPsec...'
# randomness devices
if ! test -c /dev/random; then
	# randomness devices
	ipsec _log 'warning: /dev/random is not there: there may be no good random numbers'
fi
# randomness devices
if ! test -c /dev/urandom; then
	# randomness devices
	ipsec _log 'warning: /dev/urandom is not there: there may be no good random numbers'
fi
trap 'undo interrupted' HUP INT TERM
# the lock of the subsystem
printf '%s\n' "$$" > /var/run/pluto/ipsec_setup.pid || undo 'failed to write /var/run/pluto/ipsec_setup.pid'
# what stop needs
printf '%s\n' 'config=/etc/ipsec.conf' > /var/run/pluto/ipsec.info || undo 'failed to write /var/run/pluto/ipsec.info'
# run folder /var/run/pluto is not there
printf '%s\n' 'rundir=made' >> /var/run/pluto/ipsec.info || undo 'failed to note in /var/run/pluto/ipsec.info what stop needs'
# default protostack=auto
printf '%s\n' 'klips=started' >> /var/run/pluto/ipsec.info || undo 'failed to note in /var/run/pluto/ipsec.info what stop needs'
# default protostack=auto
ipsec klips --fragicmp --hidetos || undo 'failed to start KLIPS'
# /etc/ipsec.conf:6 interfaces=ipsec0=wan
printf '%s\n' 'interface=ipsec0 wan' >> /var/run/pluto/ipsec.info || undo 'failed to note in /var/run/pluto/ipsec.info what stop needs'
# /etc/ipsec.conf:6 interfaces=ipsec0=wan
ipsec tncfg --attach --virtual ipsec0 --physical wan || undo 'failed to set up ipsec0 on wan'
# wan has 192.0.2.1/24
printf '%s\n' 'address=ipsec0 192.0.2.1/32' >> /var/run/pluto/ipsec.info || undo 'failed to note in /var/run/pluto/ipsec.info what stop needs'
# wan has 192.0.2.1/24
ip addr replace 192.0.2.1/32 dev ipsec0 || undo 'failed to set up ipsec0 on wan'
# wan has mtu 1500, less 121 that ESP may add
ip link set dev ipsec0 mtu 1379 || undo 'failed to set up ipsec0 on wan'
# /etc/ipsec.conf:6 interfaces=ipsec0=wan
ip link set dev ipsec0 up || undo 'failed to set up ipsec0 on wan'
# default rp_filter=0
ipsec _save /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/lan/rp_filter /proc/sys/net/ipv4/conf/lo/rp_filter /proc/sys/net/ipv4/conf/wan/rp_filter /proc/sys/net/ipv4/conf/default/rp_filter || undo 'failed to save rp_filter'
# default rp_filter=0
ipsec _rpfilter 0 wan ipsec0 || undo 'failed to set rp_filter to "0"'
# /etc/tunnel.conf:10 auto=manual in conn west-east
printf '%s\n' 'route=ipsec0 10.0.2.0/24' >> /var/run/pluto/ipsec.info || undo 'failed to note in /var/run/pluto/ipsec.info what stop needs'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ip route replace 10.0.2.0/24 dev ipsec0 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not routed'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec spi --said tun0x200@192.0.2.2 --ip4 --src 192.0.2.1 --dst 192.0.2.2 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec spi --said esp0x200@192.0.2.2 --src 192.0.2.1 --esp aes256-sha2_256 --replay_window 64 --keys-of west-east || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec spigrp tun0x200@192.0.2.2 esp0x200@192.0.2.2 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec spi --said tun0x200@192.0.2.1 --ip4 --src 192.0.2.2 --dst 192.0.2.1 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec spi --said esp0x200@192.0.2.1 --src 192.0.2.2 --esp aes256-sha2_256 --replay_window 64 --keys-of west-east || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec spigrp tun0x200@192.0.2.1 esp0x200@192.0.2.1 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec eroute --add --inbound --eraf inet --src 10.0.2.0/24 --dst 10.0.1.0/24 --said tun0x200@192.0.2.1 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/tunnel.conf:10 auto=manual in conn west-east
ipsec eroute --replace --eraf inet --src 10.0.1.0/24 --dst 10.0.2.0/24 --said tun0x200@192.0.2.2 || ipsec _log 'conn "west-east" (/etc/tunnel.conf:5) is not up'
# /etc/ipsec.conf:7 forwardcontrol=yes
ipsec _save /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/default/forwarding /proc/sys/net/ipv4/conf/lan/forwarding /proc/sys/net/ipv4/conf/lo/forwarding /proc/sys/net/ipv4/conf/wan/forwarding /proc/sys/net/ipv4/conf/all/accept_redirects || undo 'failed to turn on forwarding'
# /etc/ipsec.conf:7 forwardcontrol=yes
printf '%s\n' 1 > /proc/sys/net/ipv4/ip_forward || undo 'failed to turn on forwarding'
# closing message
ipsec _log --syslog-only '...IPsec started'
# the end
exit "$status"
