package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/conf/linkname"
	"ipsec/plan"
)

// maxFacts is more than the facts of any host, in bytes: a full routing table.
const maxFacts = 256 << 20

// Write writes facts as indented JSON with a final newline.
func Write(w io.Writer, facts plan.Facts) error {
	text, err := json.MarshalIndent(facts, "", "  ")
	if err != nil {
		return fmt.Errorf("failed to write facts: %w", err)
	}
	if _, err = w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("failed to write facts: %w", err)
	}
	return nil
}

// Read reads facts that Write wrote, or a person. It refuses what it does not
// understand: another version, an unknown field, values that a plan cannot
// carry. The error says what to do.
func Read(r io.Reader) (plan.Facts, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFacts+1))
	if err != nil {
		return plan.Facts{}, fmt.Errorf("failed to read facts: %w", err)
	}
	if len(text) > maxFacts {
		return plan.Facts{}, fmt.Errorf("malformed facts: more than %d bytes", maxFacts)
	}
	var head struct{ Version *int }
	if err := json.Unmarshal(text, &head); err != nil {
		return plan.Facts{}, fmt.Errorf("malformed facts: %w", place(text, err))
	}
	switch {
	case head.Version == nil:
		return plan.Facts{}, fmt.Errorf(`malformed facts: expected "version": %d, found none; "ipsec facts" prints facts in the right form`, plan.FactsVersion)
	case *head.Version != plan.FactsVersion:
		return plan.Facts{}, fmt.Errorf("facts of version %d, expected %d: gather them again, with \"ipsec facts\" of this version", *head.Version, plan.FactsVersion)
	}
	facts := plan.Facts{Paths: conf.DefaultPaths()} // for what a person left out
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&facts); err != nil {
		return plan.Facts{}, fmt.Errorf("malformed facts: %w; correct that, or gather the facts again with \"ipsec facts\"", place(text, err))
	}
	if err := check(facts); err != nil {
		return plan.Facts{}, fmt.Errorf("malformed facts: %w", err)
	}
	return normal(facts), nil
}

// place adds the line to an error of encoding/json that knows its offset.
func place(text []byte, err error) error {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrong):
		offset = wrong.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", bytes.Count(text[:offset], []byte("\n"))+1, err)
}

// check refuses values that no host has and no plan carries.
func check(facts plan.Facts) error {
	if !oneLine(facts.Host) {
		return fmt.Errorf("host %q: expected text on one line", facts.Host)
	}
	for _, path := range []string{facts.Paths.Bin, facts.Paths.Confs, facts.Paths.Conf, facts.Paths.Run} {
		if !filepath.IsAbs(path) || !oneLine(path) {
			return fmt.Errorf("paths: %q: expected an absolute path", path)
		}
	}
	for _, link := range facts.Links {
		if !isLinkName(link.Name) {
			return fmt.Errorf("link %q: expected the name of a link, 1 to 15 characters without spaces and slashes", link.Name)
		}
		if link.MTU < 0 {
			return fmt.Errorf("link %s: mtu %d is negative", link.Name, link.MTU)
		}
		for _, a := range link.Addrs {
			if !a.Prefix.IsValid() || odd(a.Prefix.Addr()) || odd(a.Peer) || odd(a.Broadcast) {
				return fmt.Errorf("link %s: expected addresses with a prefix like 192.0.2.1/24, without a zone", link.Name)
			}
		}
	}
	for _, route := range facts.Routes {
		switch {
		case !isLinkName(route.Link):
			return fmt.Errorf("route to %v: link %q is not the name of a link", route.Dst, route.Link)
		case !route.Dst.IsValid() || odd(route.Dst.Addr()) || odd(route.Gateway) || odd(route.Src):
			return fmt.Errorf("route over %s: expected dst like 192.0.2.0/24, and addresses without a zone", route.Link)
		case route.Metric < 0:
			return fmt.Errorf("route to %v: metric %d is negative", route.Dst, route.Metric)
		}
	}
	for _, stack := range facts.Stacks {
		if stack != "klips" && stack != "netkey" {
			return fmt.Errorf("stack %q: expected klips or netkey", stack)
		}
	}
	for _, path := range facts.Randomness {
		if path != "/dev/random" && path != "/dev/urandom" {
			return fmt.Errorf("randomness %q: expected /dev/random or /dev/urandom", path)
		}
	}
	for _, line := range facts.Running.Info {
		if !info.Valid(line) {
			return fmt.Errorf("info %q: expected name=value", line)
		}
	}
	return nil
}

// odd reports whether a is an address that no link has in the facts, one with a zone.
// The zero Addr is not odd: it stands for no address.
func odd(a netip.Addr) bool { return a.Zone() != "" || a.Is4In6() }

// isLinkName reports whether name is a name that the kernel accepts and that
// is text on one line.
func isLinkName(name string) bool {
	return linkname.Valid(name) && oneLine(name)
}

// oneLine reports whether a shell carries text on one line: it is UTF-8 and has
// no control character but tabs.
func oneLine(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) < 0
}

// normal puts empty lists where JSON had none, as Gather does.
func normal(facts plan.Facts) plan.Facts {
	facts.Links = append([]plan.Link{}, facts.Links...)
	for i, link := range facts.Links {
		facts.Links[i].Addrs = append([]plan.Addr{}, link.Addrs...)
	}
	facts.Routes = append([]plan.Route{}, facts.Routes...)
	facts.Stacks = append([]string{}, facts.Stacks...)
	facts.Randomness = append([]string{}, facts.Randomness...)
	facts.Running.Info = append([]string{}, facts.Running.Info...)
	return facts
}
