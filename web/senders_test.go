package web

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mxseal/checks/lab"
	"mxseal/checks/sender"
	"mxseal/web/api"
	"mxseal/web/senders"
	"mxseal/web/store"
)

// testingSenders is a site that tests senders, with a receiving side that nobody can reach.
func testingSenders(t *testing.T, change func(*Config)) *world {
	t.Helper()
	world, err := lab.New(lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { world.Close() })
	certificates, err := world.Certificates("traps.test")
	if err != nil {
		t.Fatal(err)
	}
	return open(t, filepath.Join(t.TempDir(), "mxseal.db"), func(c *Config) {
		var roles []senders.Role
		for i, as := range append([]sender.Manner{"dns", "policy"}, sender.Manners...) {
			roles = append(roles, senders.Role{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), As: as})
		}
		c.Senders, err = senders.New(t.Context(), senders.Config{Zone: "traps.test", Roles: roles, Certificates: certificates, Store: c.Store, Log: slog.New(slog.DiscardHandler), Slots: 9})
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(c)
		}
	})
}

func (c *contract) senderTest(rec *httptest.ResponseRecorder) (s api.SenderTest) {
	c.t.Helper()
	if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil {
		c.t.Fatal(err)
	}
	if keep := rec.Header().Get("Cache-Control"); keep != "no-store" {
		c.t.Errorf("a test may be kept: %q", keep)
	}
	return s
}

func TestATestOfASenderForPrograms(t *testing.T) {
	w := testingSenders(t, nil)
	c, server := promised(t, w), serve(t, w)
	rec := c.ask("POST", "/api/v1/senders", "")
	want(t, rec, 201)
	s := c.senderTest(rec)
	if at := rec.Header().Get("Location"); at != s.Links.Test || !s.Running || len(s.Addresses) != len(sender.Designs) || s.Ends.Sub(s.Began) != senders.Lasts || s.Verdict.Letter != "T" || len(s.Traps) != len(sender.Designs) {
		t.Errorf("%s: %+v", at, s)
	}
	if again := c.senderTest(c.ask("GET", s.Links.Test, "")); again.ID != s.ID || !again.Running {
		t.Errorf("%+v", again)
	}
	want(t, w.ask("HEAD", s.Links.Events, ""), 200)
	live := listen(t, server, s.Links.Events)
	for i := range len(sender.Designs) + 1 {
		e := live.next()
		kind, schema := "trap", "SenderTrap"
		if i == len(sender.Designs) {
			kind, schema = "verdict", "SenderVerdict"
		}
		if e.kind != kind || kind == "trap" && !strings.Contains(e.data, `"fate":"unseen"`) {
			t.Fatalf("event %d: %+v", i, e)
		}
		c.holds(schema, []byte(e.data))
	}
	rec = c.ask("POST", s.Links.End, "")
	want(t, rec, 200)
	if ended := c.senderTest(rec); ended.Running || ended.ID != s.ID {
		t.Errorf("%+v", ended)
	}
	done := event{"", "done", fmt.Sprintf(`{"id":%q,"letter":"T","provisional":true,"url":%q}`, s.ID, s.Links.Test)}
	if e := live.next(); e != done {
		t.Errorf("at the end %+v", e)
	}
	if e := live.next(); e.kind != "" {
		t.Errorf("behind the end %+v", e)
	}
	c.holds("SenderDone", []byte(done.data))
	want(t, c.ask("POST", s.Links.End, ""), 200)
	rec = c.ask("GET", s.Links.Events, "")
	want(t, rec, 200, done.data)
	if kind := rec.Header().Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("events come as %s", kind)
	}
	if w.log.Len() > 0 && strings.Contains(w.log.String(), s.ID) {
		t.Error("the id of a test is in the log")
	}
}

// A test that has ended, with everything in it that there can be, is as the document says; its badge claims
// what was proved.
func TestAFinishedTestOfASender(t *testing.T) {
	w := testingSenders(t, nil)
	c := promised(t, w)
	began := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	e := sender.Evidence{ID: "nbswy3dpo5xxe3de", Zone: "traps.test", Began: began, Ends: began.Add(senders.Lasts), Domains: make(map[sender.Trap]string), Missing: []sender.Trap{sender.Expired}}
	for i, d := range sender.Designs {
		if d.Trap == sender.Expired {
			continue
		}
		e.Domains[d.Trap] = string(d.Trap) + "." + e.ID + "." + e.Zone
		at := began.Add(time.Duration(10*i) * time.Second)
		asks := []sender.Subject{sender.AboutMX, sender.AboutAddress, sender.AboutTLSA}
		if d.Trap == sender.Bogus {
			asks = asks[:1] // the resolver gave no answer
		}
		for _, about := range asks {
			e.Questions = append(e.Questions, sender.Question{At: at, Trap: d.Trap, About: about, From: netip.MustParseAddr("192.0.2.53")})
		}
		one := sender.Session{At: at, Over: at.Add(time.Second), From: netip.MustParseAddr("192.0.2.25"), To: d.Manner, Named: d.Trap, EHLO: "mail.<b>.example", STARTTLS: true,
			Hello: &sender.Hello{Versions: []uint16{0x0304}, Groups: []uint16{0x11ec}}, Version: 0x0304, Habits: []sender.Habit{sender.SaysORCPT, sender.SaysSIZE}}
		if d.Trap == sender.Bogus {
			continue
		}
		if d.Promise&sender.ByDANE == 0 || d.Trap == sender.DANE || d.Trap == sender.DANEInsecure || d.Trap == sender.STSBadDANE { // what a strict sender delivers
			one.Messages = []sender.Message{{At: at, Trap: d.Trap, Secure: d.Manner == sender.Honest, Sent: true}}
		}
		e.Sessions = append(e.Sessions, one)
		if d.Promise&sender.ByPolicy != 0 {
			e.Fetches = append(e.Fetches, sender.Fetch{At: at, Trap: d.Trap, From: one.From})
		}
	}
	body, err := json.Marshal(map[string]any{"evidence": e, "slot": -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cfg.Store.SaveSenderTest(t.Context(), store.SenderTest{ID: e.ID, Ends: e.Ends, Body: body}); err != nil {
		t.Fatal(err)
	}
	s := c.senderTest(c.ask("GET", "/api/v1/senders/"+e.ID, ""))
	if s.Running || s.Verdict.Letter != "A" || s.Verdict.Row != sender.RowStrict || s.Verdict.Software != sender.Postfix || s.Facts.DANE == nil || !*s.Facts.DANE || s.Facts.Lenient == nil || *s.Facts.Lenient ||
		s.Verdict.Offered != 21 || len(s.Servers) != 1 || s.Servers[0].TLS != "TLS 1.3" || s.Seen.Conversations != 20 || len(s.Findings) < 10 || len(s.Fixes) == 0 || len(s.Fixes[0].Steps) == 0 {
		t.Errorf("%+v", s)
	}
	proofs := 0
	for _, trap := range s.Traps {
		if trap.Proof == sender.ByLeaving && trap.Fate == sender.Refused && trap.At != nil {
			proofs++
		}
	}
	if proofs < 4 {
		t.Errorf("%d refusals are proved", proofs)
	}
	want(t, w.ask("GET", "/sender/"+e.ID, ""), 200, "This server checks DANE", "mail.&lt;b&gt;.example", "Show it", "postqueue -f", "/sender/"+e.ID+"/badge@2x.png", "not offered here")
	want(t, w.ask("GET", "/sender/"+e.ID+"/badge.svg", ""), 200, "verifies · ")
}

func TestTestsOfSendersThatAreRefused(t *testing.T) {
	w := testingSenders(t, nil)
	c := promised(t, w)
	for _, path := range []string{"/api/v1/senders/nbswy3dpo5xxe3de", "/api/v1/senders/x", "/api/v1/senders/nbswy3dpo5xxe3de/events"} {
		want(t, c.ask("GET", path, ""), 404, "There is no such test", "POST /api/v1/senders")
	}
	want(t, c.ask("POST", "/api/v1/senders/nbswy3dpo5xxe3de/end", ""), 404, "There is no such test")
	want(t, c.ask("POST", "/api/v1/senders", "", "Origin", "https://other.example", "Sec-Fetch-Site", "cross-site"), 403)
	want(t, w.ask("GET", "/api/v1/senders", ""), 405) // nothing lists tests
	for i := range 6 {
		rec := c.ask("POST", "/api/v1/senders", "")
		switch {
		case i < 5:
			want(t, rec, 201)
		default:
			want(t, rec, 429, `"reason":"client-limit"`)
			if rec.Header().Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	rec := w.ask("POST", "/sender", "")
	want(t, rec, 429, "No test can begin now")
	if rec.Header().Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	c = promised(t, newWorld(t))
	for _, path := range []string{"/api/v1/senders", "/api/v1/senders/nbswy3dpo5xxe3de/end"} {
		want(t, c.ask("POST", path, ""), 404, "Senders are not tested here")
	}
	for _, path := range []string{"/api/v1/senders/nbswy3dpo5xxe3de", "/api/v1/senders/nbswy3dpo5xxe3de/events"} {
		want(t, c.ask("GET", path, ""), 404, "Senders are not tested here")
	}
}

// The page of a running test hears of its traps, and is told to load itself again where it shows what is
// true no more.
func TestThePageOfATestOfASender(t *testing.T) {
	w := testingSenders(t, nil)
	server := serve(t, w)
	want(t, w.ask("GET", "/sender", ""), 200, "Start a test")
	rec := w.ask("POST", "/sender", "")
	want(t, rec, 303)
	at := rec.Header().Get("Location")
	rec = w.ask("GET", at, "")
	want(t, rec, 200, "Waiting for your message", "mailto:", `id="stage-dane-bad"`, "End the test now", "noindex")
	if keep := rec.Header().Get("Cache-Control"); keep != "no-store" || strings.Contains(rec.Body.String(), "simulated") {
		t.Errorf("%s; a simulated sender is offered outside the lab, or the page is kept", keep)
	}
	events := regexp.MustCompile(`data-events="([^"]+)"`).FindStringSubmatch(rec.Body.String())
	if events == nil {
		t.Fatal("the page follows nothing")
	}
	live := listen(t, server, events[1])
	for _, d := range sender.Designs {
		if e := live.next(); e.kind != "progress" || !strings.Contains(e.data, fmt.Sprintf(`{"stage":%q,"state":"waiting","text":"nothing yet","done":0,"total":22`, d.Trap)) {
			t.Fatalf("%+v", e)
		}
	}
	old := listen(t, server, at+"/events?shows=0")
	for range sender.Designs {
		old.next()
	}
	if e := old.next(); e.kind != "done" || e.data != `{"rest":[]}` {
		t.Errorf("an outdated page hears %+v", e)
	}
	want(t, w.ask("GET", at+"/badge.svg", ""), 200, "being tested")
	want(t, w.ask("POST", at+"/end", ""), 303)
	for e := live.next(); e.kind != "done"; e = live.next() {
		if e.kind == "" {
			t.Fatal("the stream ends without an end")
		}
	}
	rec = w.ask("GET", at, "")
	want(t, rec, 200, "The test ended before anything was known", "not decided")
	if strings.Contains(rec.Body.String(), "data-events") {
		t.Error("a test that has ended is followed")
	}
	for form, kind := range map[string]string{".svg": "image/svg+xml", ".png": "image/png", "@2x.png": "image/png"} {
		if rec := w.ask("GET", at+"/badge"+form, ""); rec.Code != 200 || rec.Header().Get("Content-Type") != kind {
			t.Errorf("%s: %d, %s", form, rec.Code, rec.Header().Get("Content-Type"))
		}
	}
	want(t, w.ask("GET", at+"/badge.svg", ""), 200, "not known")
	want(t, w.ask("GET", at+"/badge.gif", ""), 404)
	want(t, w.ask("GET", "/sender/nbswy3dpo5xxe3de/badge.png", ""), 404)
	want(t, w.ask("POST", at+"/simulate", "kind=dane"), 303) // and nothing else
}

func TestSimulatedSendersOnThePage(t *testing.T) {
	var kinds, to []string
	w := testingSenders(t, func(c *Config) {
		c.Simulated = Simulated{Kinds: []SimulatedKind{{ID: "dane", Title: "checks DANE"}}, Loose: func(kind string, addresses []string) bool {
			kinds, to = append(kinds, kind), addresses
			return kind == "dane"
		}}
	})
	at := w.ask("POST", "/sender", "").Header().Get("Location")
	want(t, w.ask("GET", at, ""), 200, "let a simulated sender loose", `<option value="dane">checks DANE`)
	want(t, w.ask("POST", at+"/simulate", "kind=dane"), 303)
	want(t, w.ask("POST", at+"/simulate", "kind=nobody"), 503, "No simulated sender is free")
	want(t, w.ask("POST", "/sender/nbswy3dpo5xxe3de/simulate", "kind=dane"), 404)
	if !slices.Equal(kinds, []string{"dane", "nobody"}) || len(to) != len(sender.Designs) {
		t.Errorf("%v were let loose on %v", kinds, to)
	}
	want(t, w.ask("POST", at+"/end", ""), 303)
	want(t, w.ask("POST", at+"/simulate", "kind=dane"), 303)
	if len(kinds) != 2 {
		t.Error("a sender was let loose on a test that has ended")
	}
}
