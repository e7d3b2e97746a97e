package checks_test

import (
	"testing"
	"testing/synctest"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// Those who watch a check see every check that is made, from its beginning to its end.
func TestEveryCheckIsShownWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, nil)
		for _, name := range []string{"certificate.test", "obsolete-tls.test"} { // by the library's handshake, and by our own
			d, err := e.ParseDomain(name)
			if err != nil {
				t.Fatal(err)
			}
			begun, ended := map[report.CheckID]int{}, map[report.CheckID]int{}
			e.Run(t.Context(), d, "id", func(ev report.Event) {
				switch p := ev.Progress; {
				case p == nil:
				case p.Ended:
					ended[p.Stage]++
				default:
					begun[p.Stage]++
				}
			})
			for _, c := range checks.All {
				if begun[c.ID] == 0 || begun[c.ID] != ended[c.ID] {
					t.Errorf("%s: %s began %d times and ended %d times", name, c.ID, begun[c.ID], ended[c.ID])
				}
			}
		}
	})
}
