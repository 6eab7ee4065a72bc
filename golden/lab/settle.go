package lab

// Settle is shell that waits until the kernel has finished what it does
// asynchronously for links and addresses: a link whose other end is up is in
// operation, and an IPv6 address is not tentative and has its route. A link without
// a carrier is not waited for. After ten seconds the script goes on all the same.
const Settle = `
settled() {
	! ip -o link | grep -q '<NO-CARRIER,.*[,<]LOWER_UP' || return 1
	carrier=$(ip -o link show up | sed -n 's/^[0-9]*: \([^:@]*\).*[<,]LOWER_UP[,>].*/ \1 /p')
	routes=$(ip -6 route show table local)
	ip -o -6 addr show up | while read -r _ link _ address more; do
		case $more in
		*tentative*) case $carrier in *" $link "*) exit 1 ;; esac ;;
		*) case $routes in *"local ${address%/*} dev $link "*) ;; *) exit 1 ;; esac ;;
		esac
	done
}
for try in $(seq 200); do
	settled && break || sleep 0.05
done
`
