package plan

// WithoutReasons returns p without the reasons of its nodes: two plans that do the
// same are then equal.
func (p Plan) WithoutReasons() Plan {
	p.Nodes, p.Undo = withoutReasons(p.Nodes), withoutReasons(p.Undo)
	return p
}

func withoutReasons(nodes []Node) []Node {
	if nodes == nil {
		return nil
	}
	out := make([]Node, len(nodes))
	for i, n := range nodes {
		switch n := n.(type) {
		case Step:
			n.Reason = ""
			out[i] = n
		case If:
			n.Reason, n.Then, n.Else = "", withoutReasons(n.Then), withoutReasons(n.Else)
			out[i] = n
		case Try:
			n.Reason, n.Else = "", withoutReasons(n.Else)
			out[i] = n
		case SetStatus:
			n.Reason = ""
			out[i] = n
		case Exit:
			n.Reason = ""
			out[i] = n
		default:
			out[i] = n
		}
	}
	return out
}
