package shell

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"syscall"

	"ipsec/plan"
)

// native is the Backend that does the same in Go.
type native struct {
	w world
}

func (native) Say(string) {}

func (native) Holds(cond plan.Cond) (bool, error) {
	exists, ok := cond.(plan.Exists)
	if !ok {
		return false, nil
	}
	_, err := os.Stat(exists.Path)
	return err == nil, nil
}

func (n native) Do(_ context.Context, op plan.Op) error {
	switch op := op.(type) {
	case plan.Log:
		return appendTo(n.w.dir+"/bin/said", op.Text, os.O_APPEND)
	case plan.MakeDir:
		return os.Mkdir(op.Path, 0o755)
	case plan.MakeDirs:
		return os.MkdirAll(op.Path, 0o755)
	case plan.RemoveDir:
		return syscall.Rmdir(op.Path)
	case plan.Remove:
		var errs []error
		for _, path := range op.Paths {
			if err := syscall.Unlink(path); err != nil && err != syscall.ENOENT && err != syscall.ENOTDIR {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	case plan.Write:
		return appendTo(op.Path, op.Text, os.O_TRUNC)
	case plan.Append:
		return appendTo(op.Path, op.Text, os.O_APPEND)
	case plan.Touch:
		if _, err := os.Stat(op.Path); err == nil {
			return nil
		}
		return os.WriteFile(op.Path, nil, 0o644)
	case plan.Run:
		return osexec.Command("/bin/sh", "-c", op.Words).Run()
	}
	return errors.New("no such command here")
}

func appendTo(path, text string, flag int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	return errors.Join(err, f.Close())
}

// random is a plan in w of what native can do, much of which fails.
func (w world) random(r *rand.Rand) plan.Plan {
	paths := []string{"a", "it's", "d", "d/x", "d/$y", "no/z"}
	texts := []string{"one", "it's", `\n %s`, `"$HOME"`, "", "a  b", "`x`", "-n", "ü"}
	path := func() string { return w.path(paths[r.IntN(len(paths))]) }
	text := func() string { return texts[r.IntN(len(texts))] }
	message := func() string { return "so " + text() }
	op := func() plan.Op {
		switch r.IntN(11) {
		case 0, 1:
			return plan.Write{Path: path(), Text: text()}
		case 2:
			return plan.Append{Path: path(), Text: text()}
		case 3:
			return plan.MakeDir{Path: path()}
		case 4:
			return plan.MakeDirs{Path: path()}
		case 5:
			return plan.RemoveDir{Path: path()}
		case 6:
			return plan.Remove{Paths: []string{path(), path()}}
		case 7:
			return plan.Touch{Path: path()}
		case 8:
			return plan.Run{Words: []string{"true", "false", "exit 3"}[r.IntN(3)]}
		case 9:
			return plan.ClearSAs{}
		}
		return plan.Log{Text: message()}
	}
	var nodes func(n, depth int, undo bool) []plan.Node
	nodes = func(n, depth int, undo bool) (list []plan.Node) {
		for len(list) < n {
			switch k := r.IntN(20); {
			case k < 3 && depth > 0:
				node := plan.If{Cond: plan.Exists{Path: path()}, Then: nodes(2, depth-1, undo), Else: nodes(r.IntN(3), depth-1, undo)}
				if k == 0 {
					node.Cond = plan.Not{Cond: node.Cond}
				}
				list = append(list, node)
			case k < 6 && depth > 0:
				list = append(list, plan.Try{Op: op(), Else: nodes(2, depth-1, undo)})
			case k == 6 && !undo && depth < 2:
				list = append(list, plan.Exit{Status: plan.Status(r.IntN(3) - 1)})
			case k == 7:
				list = append(list, plan.SetStatus{})
			case k == 8 && !undo:
				list = append(list, plan.Step{Op: op(), OnFail: plan.OnFail{Kind: plan.FailUndo, Message: message()}})
			case k < 12:
				list = append(list, plan.Step{Op: op(), OnFail: plan.OnFail{Kind: plan.FailWarn, Message: message()}})
			case k < 14:
				list = append(list, plan.Step{Op: op(), OnFail: plan.OnFail{Kind: plan.FailStatus1}})
			default:
				list = append(list, plan.Step{Op: op(), OnFail: plan.OnFail{Kind: plan.FailIgnore}})
			}
		}
		return list
	}
	return w.plan(nodes(5, 1, true), append(nodes(25, 3, false), plan.Exit{Status: plan.StatusRegister})...)
}
