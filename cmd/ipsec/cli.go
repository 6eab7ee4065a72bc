package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// cli is the grammar of the command line: one field for each command.
type cli struct {
	Version versionFlag `help:"Print the version." short:"V"`
	Confdir confdirFlag `help:"Print the folder of ipsec.conf."`

	Setup        setupCmd        `cmd:"" help:"Start, stop, restart or report on the IPsec subsystem."`
	Manual       manualCmd       `cmd:"" help:"Take manually keyed connections up and down."`
	Auto         autoCmd         `cmd:"" help:"Load automatically keyed connections into Pluto, take them up and down, list what it has."`
	Verify       verifyCmd       `cmd:"" help:"Check what a start needs, one line a check."`
	Facts        factsCmd        `cmd:"" help:"Print the facts of this host that plans are compiled from."`
	Showdefaults showdefaultsCmd `cmd:"" help:"Print what start noted of the default route."`

	Whack      whackCmd      `cmd:"" passthrough:"" help:"Ask Pluto for something: the control of the key-negotiation daemon."`
	Pluto      plutoCmd      `cmd:"" help:"Run Pluto, which negotiates keys."`
	Klips      klipsCmd      `cmd:"" help:"Run KLIPS, the data plane."`
	Tncfg      tncfgCmd      `cmd:"" help:"Bind virtual interfaces to physical ones, or list them."`
	Eroute     erouteCmd     `cmd:"" help:"Change the table of extended routes, or list it."`
	Spi        spiCmd        `cmd:"" help:"Set security associations, or list them."`
	Spigrp     spigrpCmd     `cmd:"" help:"Group security associations, or list the groups."`
	Klipsdebug klipsdebugCmd `cmd:"" help:"Set the debug flags of KLIPS, or list them."`
	Look       lookCmd       `cmd:"" help:"Print a short report of the data plane."`
	PfKey      pfkeyCmd      `cmd:"" name:"pf_key" help:"Print the PF_KEY messages of KLIPS as they come."`

	Rsasigkey   rsasigkeyCmd   `cmd:"" help:"Make an RSA key and print it for ipsec.secrets."`
	Newhostkey  newhostkeyCmd  `cmd:"" help:"Make an RSA key for this host in a new file."`
	Showhostkey showhostkeyCmd `cmd:"" help:"Print this host's public key for ipsec.conf or the DNS."`
	Ranbits     ranbitsCmd     `cmd:"" help:"Print random bits, such as for a pre-shared key."`

	VersionCmd versionCmd    `cmd:"" name:"version" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a completion script for bash, zsh or fish."`

	Confread confreadCmd `cmd:"" name:"_confread" hidden:"" help:"Print the configuration as it was read."`
	Log      logCmd      `cmd:"" name:"_log" passthrough:"" hidden:"" help:"Say a line on stdout and in syslog."`
	Alive    aliveCmd    `cmd:"" name:"_alive" hidden:"" help:"Succeed when a part of the subsystem is alive."`
	Has      hasCmd      `cmd:"" name:"_has" hidden:"" help:"Succeed when KLIPS has an SA or the eroute of a flow."`
	End      endCmd      `cmd:"" name:"_end" hidden:"" help:"End a daemon and wait until it is gone."`
	Save     saveCmd     `cmd:"" name:"_save" hidden:"" help:"Note kernel settings in ipsec.info."`
	Restore  restoreCmd  `cmd:"" name:"_restore" hidden:"" help:"Write back kernel settings from ipsec.info."`
	Keep     keepCmd     `cmd:"" name:"_keep" hidden:"" help:"Keep the configuration without its keys in a file."`
	Arm      armCmd      `cmd:"" name:"_arm" hidden:"" help:"Hold the way back to what runs."`
	Disarm   disarmCmd   `cmd:"" name:"_disarm" hidden:"" help:"Let the way back go."`
	Goback   gobackCmd   `cmd:"" name:"_goback" hidden:"" help:"Go back to what was confirmed last."`
	Hold     holdCmd     `cmd:"" name:"_hold" hidden:"" help:"Wait for a confirmation, or go back."`
	Rpfilter rpfilterCmd `cmd:"" name:"_rpfilter" hidden:"" help:"Set the reverse path filter in force on links."`
	Updown   updownCmd   `cmd:"" name:"_updown" hidden:"" help:"Route what the PLUTO_ variables speak of, or take that back."`
}

// versionFlag answers --version.
type versionFlag bool

// BeforeReset prints the version and ends the program.
func (versionFlag) BeforeReset(app *kong.Kong, vars kong.Vars) error {
	fmt.Fprintln(app.Stdout, vars["version"])
	app.Exit(0)
	return nil
}

// confdirFlag answers --confdir.
type confdirFlag bool

// BeforeReset prints the folder of ipsec.conf and ends the program.
func (confdirFlag) BeforeReset(app *kong.Kong, vars kong.Vars) error {
	fmt.Fprintln(app.Stdout, vars["confdir"])
	app.Exit(0)
	return nil
}
