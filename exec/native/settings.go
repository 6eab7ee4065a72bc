package native

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"ipsec/conf/info"
	"ipsec/plan"
)

// Save is like 'ipsec _save PATH…': it appends path=value to ipsec.info for each
// kernel setting that is not in it yet, in one write, and skips settings that this
// kernel does not have.
func (e *Executor) Save(_ context.Context, op plan.Save) error {
	saved, err := e.saved()
	if err != nil {
		return err
	}
	var lines []info.Line
	for _, setting := range op.Paths {
		if err := e.check(setting); err != nil {
			return fmt.Errorf("failed to save: %w", err)
		}
		if _, ok := saved.Setting(setting); ok {
			continue
		}
		value, err := read(setting)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("failed to save: %w", err)
		}
		line := info.Setting{Path: setting, Value: value}
		saved.Add(line)
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return nil
	}
	return info.Appender{Path: e.env.Paths.Info(), Create: true}.Append(lines...)
}

// Restore is like 'ipsec _restore PATH…': it writes back what ipsec.info has of
// each kernel setting, in the order given, and passes over what it does not have
// and what the kernel no longer has. It goes on after one that fails.
func (e *Executor) Restore(_ context.Context, op plan.Restore) error {
	saved, err := e.saved()
	if err != nil {
		return err
	}
	var all []error
	for _, setting := range op.Paths {
		if err := e.check(setting); err != nil {
			all = append(all, fmt.Errorf("failed to restore: %w", err))
			continue
		}
		value, ok := saved.Setting(setting)
		if !ok {
			continue
		}
		if err := put(setting, value+"\n", os.O_TRUNC); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// saved returns what ipsec.info has, and warns once of lines that it passes over.
func (e *Executor) saved() (*info.Standing, error) {
	lines, complaints, err := info.Read(e.env.Paths.Info())
	if err != nil {
		return nil, err
	}
	if !e.complained {
		for _, complaint := range complaints {
			e.env.Log.Say("warning: " + complaint)
		}
		e.complained = len(complaints) > 0
	}
	return info.StandingOf(lines), nil
}

// check refuses a path that is not a network setting of the kernel: whoever
// writes to ipsec.info must not choose files for root to write to.
func (e *Executor) check(setting string) error {
	if !(info.Setting{Path: setting}).Below(e.settings) {
		return fmt.Errorf("%q is not a kernel setting below %s", setting, e.settings)
	}
	return nil
}

// read reads a kernel setting.
func read(setting string) (string, error) {
	text, err := os.ReadFile(setting)
	return strings.TrimRight(string(text), "\n"), err
}

// RPFilter is like 'ipsec _rpfilter VALUE LINK…'. The filter in force on a link
// is the larger of conf/all and its own, so that a larger conf/all is lowered to
// VALUE, but not before every other link, and the default for links to
// come, has what it enforced as its own. Each setting is saved before it
// changes, as Save does.
func (e *Executor) RPFilter(ctx context.Context, op plan.RPFilter) error {
	if !slices.Contains([]string{"0", "1", "2"}, op.Value) {
		return fmt.Errorf("rp_filter %q: expected 0, 1 or 2", op.Value)
	}
	conf := e.settings + "ipv4/conf/"
	setting := func(link string) string { return conf + link + "/rp_filter" }
	all, err := read(setting("all"))
	if err != nil {
		return failed("set the reverse path filter", err)
	}
	var raise []string // links that conf/all protects
	if all > op.Value {
		entries, err := os.ReadDir(conf) // sorted
		if err != nil {
			return failed("set the reverse path filter", err)
		}
		for _, entry := range entries {
			link := entry.Name()
			if link == "all" || slices.Contains(op.Links, link) {
				continue
			}
			own, err := read(setting(link))
			if errors.Is(err, fs.ErrNotExist) { // it has just gone
				continue
			}
			if err != nil {
				return failed("set the reverse path filter", err)
			}
			if own < all {
				raise = append(raise, link)
			}
		}
		// The default last: writing it changes links that nobody has set.
		slices.SortStableFunc(raise, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	}
	type change struct{ path, value string }
	var changes []change
	for _, link := range raise {
		changes = append(changes, change{setting(link), all})
	}
	for _, link := range op.Links {
		if err := e.check(setting(link)); err != nil {
			return failed("set the reverse path filter", err)
		}
		if _, err := read(setting(link)); err != nil { // before anything changes
			return failed("set the reverse path filter", err)
		}
		changes = append(changes, change{setting(link), op.Value})
	}
	if all > op.Value {
		changes = append(changes, change{setting("all"), op.Value})
	}
	var paths []string
	for _, c := range changes {
		paths = append(paths, c.path)
	}
	if err := e.Save(ctx, plan.Save{Paths: paths}); err != nil {
		return err
	}
	for _, c := range changes {
		if err := put(c.path, c.value+"\n", os.O_TRUNC); err != nil {
			return err
		}
	}
	return nil
}

func rank(link string) int {
	if link == "default" {
		return 1
	}
	return 0
}
