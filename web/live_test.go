package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
	"mxseal/templates"
	"mxseal/web/scans"
)

// event is a server-sent event as a browser reads it.
type event struct{ id, kind, data string }

// listener reads the event stream of a domain.
type listener struct {
	t    *testing.T
	body *bufio.Scanner
	done func()
}

func listen(t *testing.T, server *httptest.Server, path string, header ...string) *listener {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatalf("%d, headers %v", resp.StatusCode, resp.Header)
	}
	return &listener{t, bufio.NewScanner(resp.Body), func() { resp.Body.Close() }}
}

// next returns the next event; at the end of the stream one without a kind.
func (l *listener) next() event {
	var e event
	for l.body.Scan() {
		name, value, _ := strings.Cut(l.body.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			if e.kind != "" {
				return e
			}
		}
	}
	return e
}

// serve puts a world on a socket, with the short deadlines of a server for pages.
func serve(t *testing.T, w *world) *httptest.Server {
	server := httptest.NewUnstartedServer(w)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	return server
}

var script = []report.Event{
	{Progress: &report.Progress{Stage: "mx"}},
	{Finding: &report.Finding{Rule: "MX-04", Check: "mx", Verdict: report.Pass, Title: "Mail servers are published"}},
	{Finding: &report.Finding{Rule: "SMT-12", Check: "starttls", Verdict: report.Fail, Host: "mx.example.org", Address: "192.0.2.1", Title: "No STARTTLS\nevent: done " + hostile}},
	{Finding: &report.Finding{Rule: "MX-04", Check: "mx", Verdict: report.Pass, Title: "Mail servers are published"}}, // judged once more at the end
	{Progress: &report.Progress{Stage: "mx", Ended: true}},
}

func TestEveryVisitorHearsAllOfACheck(t *testing.T) {
	w := newWorld(t)
	w.gate, w.say = make(chan struct{}), script
	server := serve(t, w)
	w.post("example.org")
	w.begun()
	c := w.scans.Running("example.org")
	for len(c.View().Findings) < 2 || c.View().Stages["mx"].Ended < 1 {
		time.Sleep(time.Millisecond)
	}
	early := listen(t, server, "/check/example.org/events")
	var kinds []string
	for range 4 {
		e := early.next()
		kinds = append(kinds, e.id+e.kind)
		if e.id == "3" {
			var a templates.Arrival
			if err := json.Unmarshal([]byte(e.data), &a); err != nil || a.Place != "mx.example.org" || a.Verdict != "fail" || a.Word != "Fault" || !strings.HasSuffix(a.Title, hostile+" (192.0.2.1)") {
				t.Errorf("a stranger's text on one line of JSON, to be put in as text: %+v, %v", a, err)
			}
		}
	}
	if got := strings.Join(kinds, " "); got != "1progress 2finding 3finding 4progress" {
		t.Errorf("events %s", got)
	}
	want(t, w.ask("GET", "/check/example.org", ""), 200, `data-events="/check/example.org/events?after=4"`, fmt.Sprintf("<progress max=\"%d\" value=\"1\"", len(checks.All)), `data-place="mx.example.org"`, "Mail servers are published",
		`<noscript><meta http-equiv="refresh"`, `id="now" role="status" aria-live="polite"`, "&lt;script&gt;")

	time.Sleep(100 * time.Millisecond) // longer than the server lets a page take
	late := listen(t, server, "/check/example.org/events?after=2")
	back := listen(t, server, "/check/example.org/events?after=1", "Last-Event-ID", "3") // a browser that lost its connection
	if e := late.next(); e.id != "3" || e.kind != "finding" {
		t.Errorf("who has seen two events hears %+v", e)
	}
	late.next()
	if e := back.next(); e.id != "4" || e.kind != "progress" {
		t.Errorf("who comes back after three events hears %+v", e)
	}
	listen(t, server, "/check/example.org/events").done() // leaves, and the check goes on

	close(w.gate)
	for _, l := range []*listener{early, late, back} {
		e := l.next()
		var end templates.Finish // mx is done, and no other stage began
		if err := json.Unmarshal([]byte(e.data), &end); e.kind != "done" || err != nil || len(end.Rest) != len(checks.All)-1 || end.Rest[0] != (templates.Advance{Stage: "starttls", State: "none", Text: "skipped", Done: len(checks.All), Total: len(checks.All)}) {
			t.Errorf("at the end %+v", e)
		}
		if e := l.next(); e.kind != "" {
			t.Errorf("behind the end %+v", e)
		}
	}
	want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade C"`) // at once, as the page loads itself again
	w.settle()
	if e := listen(t, server, "/check/example.org/events").next(); e.kind != "done" {
		t.Errorf("after the end %+v", e)
	}
	if n := w.runs.Load(); n != 1 {
		t.Errorf("%d checks were run", n)
	}
}

func TestListeningStartsNothing(t *testing.T) {
	w := newWorld(t)
	want(t, w.ask("GET", "/check/example.org/events", ""), 404)
	want(t, w.ask("GET", "/check/localhost/events", ""), 404)
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("%d checks were run", n)
	}
}

func TestListenersAreBounded(t *testing.T) {
	w := newWorld(t)
	w.gate = make(chan struct{})
	server := serve(t, w)
	w.post("example.org")
	var all []*listener
	for range 8 {
		all = append(all, listen(t, server, "/check/example.org/events"))
	}
	refused := func() int {
		resp, err := server.Client().Get(server.URL + "/check/example.org/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 && resp.Header.Get("Retry-After") == "" {
			t.Errorf("%d without Retry-After", resp.StatusCode)
		}
		return resp.StatusCode
	}
	if got := refused(); got != 429 {
		t.Errorf("the ninth stream of one client: %d", got)
	}
	for i := range 1024 - 8 { // others, each from a network of its own
		if _, err := w.scans.Subscribe(scans.Client{By: "form", Addr: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})}); err != nil {
			t.Fatalf("stream %d of others: %v", i, err)
		}
	}
	all[0].done()
	for w.scans.Stats().Streams == 1024 {
		time.Sleep(time.Millisecond)
	}
	if _, err := w.scans.Subscribe(scans.Client{By: "form", Addr: netip.MustParseAddr("2001:db8::1")}); err != nil {
		t.Fatal(err)
	}
	if got := refused(); got != 503 {
		t.Errorf("more streams than there are: %d", got)
	}
	all[1].done()
	for w.scans.Stats().Streams == 1024 {
		time.Sleep(time.Millisecond)
	}
	listen(t, server, "/check/example.org/events")
}
