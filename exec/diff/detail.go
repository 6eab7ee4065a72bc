package diff

import (
	"fmt"
	"strings"

	"ipsec/exec/shell"
	"ipsec/plan"
	"ipsec/plan/change"
)

// lines returns a difference as lines of a report: of a connection one for each field, of all else one.
func lines(c change.Change) []Change {
	item := c.Item()
	var details []string
	if c.Mark == change.Alter && item.Kind == change.Connection {
		details = fields(c.Have.Value, c.Want.Value)
	} else {
		details = []string{detail(c)}
	}
	var list []Change
	for _, d := range details {
		list = append(list, Change{c.Mark, item.Object, d, item.Reason})
	}
	return list
}

// detail says what the difference is.
func detail(c change.Change) string {
	wanted, there := c.Want.Object != "", c.Have.Object != ""
	switch kind := c.Item().Kind; {
	case c.Mark == change.Add:
		return ""
	case c.Want.Value == change.OfPluto && !there:
		return "Pluto has set it, and it is gone"
	case kind == change.Routing && wanted:
		return "Pluto has not routed it"
	case kind == change.Routing:
		return "a start would not route it"
	case there && c.Have.Value == change.Gone:
		return "it was there, and is gone"
	case c.Mark == change.Drift && !wanted:
		return "no plan has set it"
	case kind == change.Setting && !wanted:
		return fmt.Sprintf("%s, before the start %s", shown(c.Have.Value), shown(c.Have.Before))
	case c.Mark == change.Remove:
		return ""
	case c.OtherKeys():
		return "it has other keys than ipsec.conf"
	case c.Down():
		return "it is down"
	case kind == change.Setting:
		return fmt.Sprintf("%s, start sets %s", shown(c.Have.Value), c.Want.Value)
	case kind == change.Daemon:
		return fmt.Sprintf("%s, wanted %s", shown(arguments(c.Have.Value)), shown(arguments(c.Want.Value)))
	}
	return fmt.Sprintf("%s, wanted %s", shown(c.Have.Value), shown(c.Want.Value))
}

func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// arguments writes the words after the name of a daemon as the shell has them.
func arguments(value string) string {
	words := change.Words(value)
	line, err := shell.Line(plan.Step{Op: plan.StartPluto{Args: words}, OnFail: plan.OnFail{Kind: plan.FailStatus1}})
	if err != nil { // what is running may have any words
		return strings.Join(words, " ")
	}
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(line, " || status=1"), "ipsec pluto"), " ")
}
