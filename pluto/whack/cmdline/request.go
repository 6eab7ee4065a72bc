// Package cmdline is the command line of whack(8), which becomes a Request: its options, what
// reads them, and what writes a connection as one. It does no I/O. No secret is
// ever part of a command line.
package cmdline

import "ipsec/pluto"

// Request is a command line of whack. Several things may be asked for at once;
// they are done in the order of the fields.
type Request struct {
	Name         string // of the connection that the request is about; "" for none
	Asynchronous bool   // do not wait for the outcome of Initiate or Terminate

	Debug []string // --debug-WORD; "none" first takes all others back

	Delete      bool              // delete the connection, or all of which Name is the alias
	DeleteState int               // the serial number of a state to delete; 0 for none
	Key         *Key              // --keyid: a public key to add
	Add         *pluto.Connection // with Name for its name
	Listen      bool
	Unlisten    bool
	Reread      Reread
	List        List
	Route       bool
	Unroute     bool
	Initiate    bool
	Terminate   bool
	Status      bool // of Name, or of all
	Traffic     bool // --trafficstatus
	Loaded      bool // --loaded: what is loaded, for programs
	JSON        bool // --format json, of Status
	Shutdown    bool
}

// Key is a raw public key of a peer that is no connection's own.
type Key struct {
	ID   string // who it belongs to, in the form of leftid=
	Text string // 0s…; "" to delete the keys of ID
	Add  bool   // beside those that there are, not in their place
}

// Reread says what is to be read again from ipsec.secrets and ipsec.d.
type Reread uint8

// What can be read again.
const (
	RereadSecrets Reread = 1 << iota
	RereadCACerts
	RereadAACerts
	RereadOCSPCerts
	RereadACerts
	RereadCRLs

	RereadAll = RereadSecrets | RereadCACerts | RereadAACerts | RereadOCSPCerts | RereadACerts | RereadCRLs
)

// List says what is to be listed.
type List uint16

// What can be listed.
const (
	ListPublicKeys List = 1 << iota
	ListCerts
	ListCACerts
	ListACerts
	ListAACerts
	ListOCSPCerts
	ListGroups
	ListCRLs
	ListOCSP
	ListPSKs // their identities, not the keys

	ListAll = ListPublicKeys | ListCerts | ListCACerts | ListACerts | ListAACerts | ListOCSPCerts | ListGroups | ListCRLs | ListOCSP | ListPSKs
)
