package compile

import (
	"strings"

	"ipsec/conf"
	"ipsec/conf/info"
	"ipsec/plan"
)

// keyword returns the reason that a parameter of config setup is: its line and
// what stands there, or its default.
func (c *compiler) keyword(keyword, byDefault string) string {
	for _, p := range c.setup.List {
		if p.Keyword == keyword {
			return p.Pos.String() + " " + keyword + "=" + p.Value
		}
	}
	return "default " + keyword + "=" + byDefault
}

// and adds to a reason the places of those keywords of config setup that are there.
func (c *compiler) and(reason string, keywords ...string) string {
	for _, kw := range keywords {
		if !c.setup.At(kw).IsZero() {
			reason += "; " + c.keyword(kw, "")
		}
	}
	return reason
}

// connReason returns the reason that a conn is: its first line.
func connReason(conn *conf.Conn) string { return conn.Pos.String() + " conn " + conn.Name }

// because adds to a reason the place of what is in the way. Places are reasons and never text
// that a step says: a line more at the top of ipsec.conf changes no step.
func because(reason string, at conf.Pos) string {
	if at.IsZero() || strings.HasPrefix(reason, at.String()+" ") {
		return reason
	}
	return reason + "; " + at.String()
}

// The steps, by failure policy.

func must(op plan.Op, reason, message string) plan.Node {
	return plan.Step{Op: op, OnFail: plan.OnFail{Kind: plan.FailUndo, Message: message}, Reason: reason}
}

func warn(op plan.Op, reason, message string) plan.Node {
	return plan.Step{Op: op, OnFail: plan.OnFail{Kind: plan.FailWarn, Message: message}, Reason: reason}
}

func tried(op plan.Op, reason string) plan.Node {
	return plan.Step{Op: op, OnFail: plan.OnFail{Kind: plan.FailStatus1}, Reason: reason}
}

func ignored(op plan.Op, reason string) plan.Node {
	return plan.Step{Op: op, OnFail: plan.OnFail{Kind: plan.FailIgnore}, Reason: reason}
}

// say returns the step that says text.
func say(reason, text string) plan.Node {
	return ignored(plan.Log{Text: text}, reason)
}

// note returns the step that adds a line to ipsec.info, before the change that
// stop will have to take back.
func (c *compiler) note(line info.Line, reason string) plan.Node {
	path := c.paths.Info()
	return must(plan.Append{Path: path, Text: line.String()}, reason, "failed to note in "+path+" what stop needs")
}
