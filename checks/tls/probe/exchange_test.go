package probe

import (
	"context"
	"errors"
	"testing"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/report"
)

// What the server says before a hello is worth a second try only where it means “not now”.
func TestNotNow(t *testing.T) {
	reply := func(code int) error {
		e := &smtp.Error{Reply: smtp.Reply{Code: code, Lines: []string{""}}}
		e.Kind = "reply"
		return e
	}
	kind := func(k report.Kind) error { e := &smtp.Error{}; e.Kind = k; return e }
	for _, test := range []struct {
		why  string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"421", reply(421), true},
		{"454 to STARTTLS", reply(454), true},
		{"554 is for ever", reply(554), false},
		{"reset", kind("reset"), true},
		{"closed", kind("closed"), true},
		{"a port that is shut tells more than a pause would", kind("refused"), false},
		{"silence has taken long enough", kind("timeout"), false},
		{"the end of the check", context.Canceled, false},
		{"another error", errors.New("x"), false},
	} {
		if got := later(test.err); got != test.want {
			t.Errorf("%s: %v", test.why, got)
		}
	}
}
