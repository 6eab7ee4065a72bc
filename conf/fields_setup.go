package conf

import (
	"slices"
	"strings"

	"ipsec/conf/keyword"
)

// setupFields are what the keywords of config setup set, by name.
func setupFields() map[string]setter {
	return map[string]setter{
		"interfaces":            setInterfaces,
		"forwardcontrol":        setBool(func(t target) *bool { return &t.setup.ForwardControl }),
		"rp_filter":             setEnum(func(t target) *string { return &t.setup.RPFilter }),
		"syslog":                setSyslog,
		"klipsdebug":            setKlipsDebug,
		"plutodebug":            setFlags(func(t target) *[]string { return &t.setup.PlutoDebug }),
		"plutoopts":             setWords(func(t target) *[]string { return &t.setup.PlutoOpts }),
		"plutostderrlog":        setString(func(t target) *string { return &t.setup.PlutoStderrLog }),
		"dumpdir":               setString(func(t target) *string { return &t.setup.DumpDir }),
		"manualstart":           setManualStart,
		"pluto":                 setBool(func(t target) *bool { return &t.setup.Pluto }),
		"plutowait":             setBool(func(t target) *bool { return &t.setup.PlutoWait }),
		"plutorestartoncrash":   setBool(func(t target) *bool { return &t.setup.PlutoRestartOnCrash }),
		"prepluto":              setString(func(t target) *string { return &t.setup.PrePluto }),
		"postpluto":             setString(func(t target) *string { return &t.setup.PostPluto }),
		"fragicmp":              setBool(func(t target) *bool { return &t.setup.FragICMP }),
		"hidetos":               setBool(func(t target) *bool { return &t.setup.HideTOS }),
		"nooffload":             setFlags(func(t target) *[]string { return &t.setup.NoOffload }),
		"offload":               setFlags(func(t target) *[]string { return &t.setup.Offload }),
		"uniqueids":             setTruth("replace|keep", "never", func(t target) *bool { return &t.setup.UniqueIDs }),
		"overridemtu":           setInt(68, 65535, func(t target) *int { return &t.setup.OverrideMTU }),
		"nocrsend":              setBool(func(t target) *bool { return &t.setup.NoCRSend }),
		"strictcrlpolicy":       setEnum(func(t target) *string { return &t.setup.StrictCRLPolicy }),
		"crlcheckinterval":      setDuration(func(t target) *int { return &t.setup.CRLCheckInterval }),
		"ocspuri":               setString(func(t target) *string { return &t.setup.OCSPURI }),
		"nat_traversal":         setBool(func(t target) *bool { return &t.setup.NATTraversal }),
		"virtual_private":       setVirtualPrivate,
		"keep_alive":            setDuration(func(t target) *int { return &t.setup.KeepAlive }),
		"force_keepalive":       setBool(func(t target) *bool { return &t.setup.ForceKeepAlive }),
		"disable_port_floating": setBool(func(t target) *bool { return &t.setup.DisablePortFloating }),
		"nhelpers":              setInt(-1, 1024, func(t target) *int { return &t.setup.NHelpers }),
		"myid":                  setString(func(t target) *string { return &t.setup.MyID }),
		"protostack":            setEnum(func(t target) *string { return &t.setup.Protostack }),
	}
}

// setKlipsDebug takes words of klipsdebug(8). KLIPS here has nothing to say of
// NAT traversal alone, which its flags rcv and tunnel cover.
func setKlipsDebug(k *keyword.Keyword, t target, value string) *valueError {
	const natt = "natt"
	bad := setFlags(func(t target) *[]string { return &t.setup.KlipsDebug })(k, t, value)
	if bad == nil && slices.Contains(t.setup.KlipsDebug, natt) {
		t.setup.KlipsDebug = slices.DeleteFunc(t.setup.KlipsDebug, func(flag string) bool { return flag == natt })
	}
	return bad
}

// setManualStart takes names of conns. The %search of FreeS/WAN stood for
// those with auto=manual, which start takes anyway.
func setManualStart(_ *keyword.Keyword, t target, value string) *valueError {
	var list []string
	for _, f := range fields(value) {
		if f.text == "%search" || f.text == "%none" {
			continue
		}
		if !isName(f.text) {
			return &valueError{offset: f.offset, text: f.text, want: "names of conns"}
		}
		list = append(list, f.text)
	}
	t.setup.ManualStart = list
	return nil
}

// setSyslog takes facility.priority as logger(1) does.
func setSyslog(_ *keyword.Keyword, t target, value string) *valueError {
	facilities := strings.Fields("kern user mail daemon auth security syslog lpr news uucp cron authpriv ftp local0 local1 local2 local3 local4 local5 local6 local7")
	priorities := strings.Fields("emerg panic alert crit err error warning warn notice info debug")
	facility, priority, _ := strings.Cut(value, ".")
	for part, known := range map[string][]string{facility: facilities, priority: priorities} {
		k := keyword.OfWords(strings.Join(known, " "))
		if _, ok := k.Choose(part); !ok {
			offset := 0
			if part == priority && part != facility {
				offset = len(facility) + 1
			}
			if part == "" {
				offset, part = 0, value
			}
			return &valueError{offset: offset, text: part, want: "FACILITY.PRIORITY of syslog such as daemon.error", known: known}
		}
	}
	t.setup.Syslog = strings.ToLower(value)
	return nil
}
