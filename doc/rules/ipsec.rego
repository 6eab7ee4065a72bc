# Rules over "ipsec setup --showonly --format json start", for opa and conftest: what a reviewer does
# not want to read for himself. Each message says which conn, and why.
package ipsec

import rego.v1

conns contains node.connection if {
	some node in input.nodes
	node.op == "AddConn"
}

# No algorithm or group that RFC 8221 and 8247 call unfit.
deny contains sprintf("conn %s: weak algorithms", [c.name]) if { some c in conns; some p in array.concat(c.ike, c.child); p.weak }

# No shared secret with whoever comes: all of them would have the same.
deny contains sprintf("conn %s: a shared secret for any peer", [c.name]) if { some c in conns; "secret" in c.authby; c.right.host == "%any" }

# No SA whose keys live for more than eight hours, and no keys that follow from older ones.
deny contains sprintf("conn %s: keylife= of more than 8 hours, or pfs=no", [c.name]) if { some c in conns; c.type in {"tunnel", "transport"}; not fresh(c) }

fresh(c) if { c.pfs; c.child_lifetime <= 8 * 60 * 60 }
