package postgres

import (
	"sync/atomic"
	"testing"
)

// A process that does not go first is asked to yield what one that goes first waits for, once for a claim,
// and gets it again afterwards. Between equals, and by one that does not go first, nobody is asked.
func TestAProcessGoesFirst(t *testing.T) {
	overAllWays(t, func(t *testing.T, url string) {
		for _, test := range []struct{ has, waits, yields bool }{{false, false, false}, {true, false, false}, {true, true, false}, {false, true, true}} {
			a, b := openAs(t, url, test.has), openAs(t, url, test.waits)
			var asked atomic.Int32
			yield := make(chan struct{})
			release, err := a.Claim(t.Context(), address(1), unexpected(t), func() {
				if asked.Add(1) == 1 {
					close(yield)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			other := claim(t, a, address(2), unexpected(t))
			if test.yields {
				got := make(chan func())
				go func() { got <- claim(t, b, address(1), unexpected(t)) }()
				await(t, yield)
				eventually(t, claimed, 2) // it is not taken away
				release()
				(<-got)()
			} else {
				refused(t, b, address(1), "another process has it")
				release()
			}
			claim(t, a, address(1), unexpected(t))()
			other()
			if n := asked.Load(); n > 0 != test.yields || n > 1 {
				t.Errorf("%+v: asked %d times", test, n)
			}
			eventually(t, claimed, 0)
			a.Close()
			b.Close()
		}
	})
}
