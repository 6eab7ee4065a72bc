package main

import (
	"fmt"

	"ipsec/conf"
	"ipsec/conf/keyword"
)

// confreadCmd is ipsec _confread: what was understood of ipsec.conf.
type confreadCmd struct {
	Config  string   `placeholder:"FILE" help:"Read FILE in place of ipsec.conf."`
	Names   bool     `xor:"what" help:"Only the names of the connections, one a line."`
	Keyword string   `xor:"what" placeholder:"NAME" complete:"keyword" help:"What NAME means in ipsec.conf; all keywords for %all."`
	Conns   []string `arg:"" optional:"" sep:"none" name:"conn" complete:"conn" help:"Only these connections."`
}

// Run prints the configuration with its includes, also= and %default
// resolved, in the form of ipsec.conf and without secrets.
func (c *confreadCmd) Run(e *env) error {
	if c.Keyword != "" {
		return keyword.WriteHelp(e.Stdout, c.Keyword)
	}
	e.setConfig(c.Config)
	config, err := conf.Load(e.Paths)
	if err != nil {
		return err
	}
	e.warn(config)
	if len(c.Conns) > 0 {
		if config, err = only(config, c.Conns); err != nil {
			return err
		}
	}
	if c.Names {
		for _, conn := range config.Conns {
			if !conn.PolicyGroup {
				fmt.Fprintln(e.Stdout, conn.Name)
			}
		}
		return nil
	}
	return config.WriteRedacted(e.Stdout)
}

// only returns config with the connections of these names alone.
func only(config *conf.Config, names []string) (*conf.Config, error) {
	picked := *config
	picked.Conns = nil
	for _, name := range names {
		conn := config.Conn(name)
		if conn == nil {
			return nil, unknownConn(config, name)
		}
		picked.Conns = append(picked.Conns, conn)
	}
	return &picked, nil
}

// warn says which lines of a configuration have no effect.
func (e *env) warn(config *conf.Config) {
	for _, warning := range config.Remarks() {
		fmt.Fprintf(e.Stderr, "warning: %s\n", warning)
	}
}

// loadConns reads the configuration, which has to have the connections.
func (e *env) loadConns(names []string) (*conf.Config, error) {
	config, err := conf.Load(e.Paths)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if config.Conn(name) == nil {
			return nil, unknownConn(config, name)
		}
	}
	return config, nil
}

// unknownConn says that the configuration has no such connection, and which
// it has when they are few.
func unknownConn(config *conf.Config, name string) error {
	var known string
	if n := len(config.Conns); n > 0 && n <= 20 {
		known = "; there is"
		for _, conn := range config.Conns {
			known += " " + conn.Name
		}
	}
	return fmt.Errorf("no conn %q in the configuration%s", name, known)
}
