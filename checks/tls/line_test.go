package tls

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"mxseal/checks/report"
	"mxseal/checks/tls/ask"
	"mxseal/checks/tls/probe"
)

// A server that is silent after our hello is asked twice and then left alone.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		line := probe.New(t.Context(), budgetStandard, func(context.Context, int) (net.Conn, error) {
			asked++
			client, server := net.Pipe()
			go io.Copy(io.Discard, server)
			return client, nil
		})
		start := time.Now()
		ask.Ask(line, ask.Server{Depth: report.Standard})
		if took := time.Since(start); asked != 2 || took != 2*probe.Patience {
			t.Errorf("asked %d times in %v", asked, took)
		}
		if last := line.Probes[len(line.Probes)-1]; last.Result != "untested" || last.Params["patience"] != "10s" {
			t.Errorf("%+v", last)
		}
	})
}

// The budget is kept whatever the server makes of it.
func TestBudget(t *testing.T) {
	line := probe.New(t.Context(), 3, func(context.Context, int) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			s := &script{versions: tls10to12, suites: []string{ecdheGCM, rsaCBC, rsaRC4}, groups: p256, schemes: byHash, certs: rsaOnly}
			s.serve(server, 0)
			server.Close()
		}()
		return client, nil
	})
	ask.Ask(line, ask.Server{Depth: report.Standard})
	spent := 0
	for _, asked := range line.Probes {
		if asked.Result != "untested" {
			spent++
		}
	}
	if spent != 3 || line.Stopped().Code != report.SaysAddressSpent {
		t.Errorf("%d connections, stopped: %v\n%s", spent, line.Stopped(), trace(&report.TLS{Probes: line.Probes}))
	}
}
