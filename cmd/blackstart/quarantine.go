package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"blackstart/evidence"
	"blackstart/harness"
)

// kind says what is left: a drill that ended on the way, or one that has everything but its seal.
func (l unfinishedRun) kind() string {
	bag := filepath.Join(l.dir, "bag")
	if bound, err := evidence.Bound(bag); err != nil || !bound {
		return "an interrupted drill"
	}
	var rec struct {
		Status harness.Status `json:"status"`
	}
	data, err := os.ReadFile(filepath.Join(bag, filepath.FromSlash(evidence.RecordFile)))
	if err != nil || json.Unmarshal(data, &rec) != nil || rec.Status == harness.Interrupted {
		return "an interrupted drill"
	}
	return doneKind
}

// doneKind is what a run is called that died, or was left, between its end and its seal.
const doneKind = "a drill that was done and not sealed"

// quarantine puts a run that can never be sealed aside, so that nobody meets it again; nothing of it is in force. What this
// machine refuses (a full disk, a folder that is gone, a register that is away) can be mended, and the run waits for it. The
// register is told first, and why, redacted: of a run that is aside nobody would tell it any more.
func (l unfinishedRun) quarantine(why error, redact *evidence.Redactor) *exitError {
	var machine syscall.Errno
	var store storeTrouble
	mends := errors.As(why, &store) || errors.As(why, &machine) || errors.Is(why, fs.ErrExist)
	if !mends {
		if err := l.parkInRegister(context.Background(), redact.Text(why.Error())); err != nil {
			why, mends = errors.Join(why, storeTrouble{fmt.Errorf("its register could not be told: %w", err)}), true
		}
	}
	if mends {
		hint := "nothing of it is in force any more; its state is kept in " + l.dir + ": mend the cause and run `blackstart undo` again"
		if errors.As(why, &store) {
			hint += "; if store or key lie elsewhere now: blackstart undo --store DIR --register-key FILE"
		}
		return &exitError{code: harness.ExitHarness, err: why, hint: hint}
	}
	parked := filepath.Join(filepath.Dir(filepath.Dir(l.dir)), "parked")
	err := os.MkdirAll(parked, 0o755)
	if err == nil {
		parked = filepath.Join(parked, filepath.Base(l.dir))
		err = os.Rename(l.dir, parked)
	}
	if err != nil {
		return &exitError{code: harness.ExitHarness, err: errors.Join(why, err),
			hint: "nothing of it is in force any more; its state is kept in " + l.dir + ": remove that directory when it is of no use"}
	}
	return &exitError{code: harness.ExitHarness, err: why,
		hint: "nothing of it is in force any more; what it recorded is parked in " + parked + " and blocks no other drill"}
}
