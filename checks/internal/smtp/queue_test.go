package smtp_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/internal/smtp"
	"mxseal/checks/internal/smtp/smtptest"
)

// Everybody who waits gets a connection, whatever the others have said of those to come.
func TestEachWhoWaitsIsServed(t *testing.T) {
	for _, test := range []struct {
		why                  string
		width, callers, more int
		most                 int // connections
	}{
		{"two who want no more", 2, 2, 0, 2},
		{"more callers than room", 1, 4, 0, 4},
		{"a further one each", 2, 2, 1, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &smtptest.Server{Delay: 10 * time.Millisecond, Serve: func(_ int, c *smtptest.Talk) { smtptest.Manners{}.Serve(c) }}
			q := smtp.NewQueue(t.Context(), s.Peer(), smtp.Config{HELO: "probe.example.test"}, test.width)
			var work sync.WaitGroup
			for range test.callers {
				work.Go(func() {
					session, err := q.UpToTLS(t.Context(), test.more)
					if session != nil {
						defer session.Close()
					}
					if err == nil {
						return
					}
					if e, ok := err.(*smtp.Error); !ok || e.Kind != "no-starttls" {
						t.Logf("%s: %v", test.why, err)
					}
				})
			}
			work.Wait()
			unused := q.Close()
			s.Wait()
			if s.Visits() > test.most || s.Visits() < test.callers || s.Visits()-unused != test.callers {
				t.Errorf("%s: %d connections, %d unused, for %d callers", test.why, s.Visits(), unused, test.callers)
			}
		})
	}
}
