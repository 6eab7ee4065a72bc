package main

import (
	"fmt"
	"os"

	"ipsec/conf"
	"ipsec/exec/native"
	"ipsec/klips/client"
	"ipsec/logger"
	"ipsec/plan"
)

// executor returns an executor of single ops for this instance, and what closes it.
// An op with the keys of a conn gets a configuration that has the conn.
func (e *env) executor(keysOf string) (run *native.Executor, done func(), err error) {
	options := logger.Options{Stdout: e.Stdout, Warn: e.Stderr}
	if text := e.Getenv(conf.EnvSyslog); text != "" {
		if options.Priority, err = logger.ParsePriority(text); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", conf.EnvSyslog, err)
		}
	}
	log := logger.New(options)
	run = native.New(native.Env{
		Paths:  e.Paths,
		Log:    log,
		Config: func() (*conf.Config, error) { return conf.LoadFor(e.Paths, keysOf) },
		Setup:  os.Getppid(), // the shell that runs the script of a plan
		Self:   e.Self,
	})
	return run, func() { run.Close(); log.Close() }, nil
}

// setConfig makes file the configuration, if there is one.
func (e *env) setConfig(file string) {
	if file != "" {
		e.Paths.Conf = file
		e.Paths = e.Paths.Absolute()
	}
}

// dial connects to KLIPS.
func (e *env) dial() (*client.Client, error) { return client.Dial(e.Paths.KlipsCtl()) }

// holds answers a condition of a plan.
func (e *env) holds(cond plan.Cond) (bool, error) {
	run, done, err := e.executor("")
	if err != nil {
		return false, err
	}
	defer done()
	return run.Holds(cond)
}
