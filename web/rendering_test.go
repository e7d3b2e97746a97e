package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/web/scans"
	"mxseal/web/store/sqlite"
)

// inTheLab is a site that checks the domains of the lab, and lists them.
func inTheLab(tb testing.TB) *Site {
	tb.Helper()
	world, err := lab.New(lab.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { world.Close() })
	engine, err := checks.New(checks.Config{Resolvers: []netip.AddrPort{world.Resolver()}, Anchors: world.Anchors(), Roots: world.CA(),
		SMTPPort: world.SMTPPort(), STSPort: world.STSPort(), Allow: world.Networks(), HELO: "mxseal.example", Pace: -1, Dial: world.Dial})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sqlite.Open(tb.TempDir() + "/mxseal.db")
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{Engine: engine, Store: s, BaseURL: "https://mxseal.example"}
	for _, d := range world.Domains() {
		cfg.Examples = append(cfg.Examples, Example{Domain: d.Name, Shows: d.Shows, Letter: d.Letter})
	}
	site, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := site.Close(tb.Context()); err != nil {
			tb.Error(err)
		}
		s.Close()
	})
	return site
}

// zipped fetches a page and returns how many octets travel and what they say.
func zipped(t *testing.T, s *Site, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	if rec.Code != 200 || rec.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%s: %d, headers %v", path, rec.Code, rec.Header())
	}
	size := rec.Body.Len()
	z, err := gzip.NewReader(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return size, string(page)
}

func TestPagesAreLight(t *testing.T) {
	s := inTheLab(t)
	if size, page := zipped(t, s, "/"); size > 12<<10 || strings.Count(page, "<form") != 2 {
		t.Errorf("the front page weighs %d octets, more than 12 KiB, or has more forms than the field's and the examples'", size)
	}
	d, err := s.cfg.Engine.ParseDomain("perfect.test") // two servers with two addresses each
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.scans.Start(t.Context(), scans.Client{}, d); err != nil {
		t.Fatal(err)
	}
	s.settle()
	size, page := zipped(t, s, "/check/perfect.test")
	if size > 50<<10 {
		t.Errorf("a report weighs %d octets, more than 50 KiB", size)
	}
	if !strings.Contains(page, `aria-label="Grade A plus"`) || strings.Contains(page, "would give the same evidence") {
		t.Error("the report is not the one that today's rules give")
	}
	if size, _ := zipped(t, s, static.Script); size > 3000 {
		t.Errorf("the script weighs %d octets", size)
	}
}

func TestAKeptPageIsThePage(t *testing.T) {
	w := newWorld(t)
	w.post("example.org")
	w.settle()
	first := w.ask("GET", "/check/example.org", "")
	again := w.ask("GET", "/check/example.org", "")
	if !bytes.Equal(first.Body.Bytes(), again.Body.Bytes()) || again.Code != 200 {
		t.Error("the kept page is another one")
	}
	if _, page := zipped(t, w.Site, "/check/example.org"); page != first.Body.String() {
		t.Error("the compressed page is another one")
	}
	if rec := w.ask("GET", "/check/example.org", "", "Accept-Encoding", "gzip;q=0"); rec.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for a client that refuses it")
	}
	if rec := w.ask("GET", "/check/example.org", "", "If-None-Match", first.Header().Get("ETag")); rec.Code != 304 || rec.Body.Len() != 0 {
		t.Errorf("asked again with its ETag: %d", rec.Code)
	}
	vary := strings.Join(again.Header().Values("Vary"), ", ")
	if !strings.Contains(vary, "Accept-Encoding") || !strings.Contains(vary+",", "Accept,") {
		t.Errorf("Vary is %q: programs get JSON at the same address", vary)
	}
	if rec := w.ask("GET", "/check/example.org", "", "Accept", json_); rec.Header().Get("Content-Type") != json_ {
		t.Errorf("a program is given %s", rec.Header().Get("Content-Type"))
	}

}

func TestANewReportReplacesTheKeptPage(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("example.org", "F", 3))
	for range 2 {
		want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade F"`)
	}
	w.post("example.org")
	w.settle()
	for range 2 {
		want(t, w.ask("GET", "/check/example.org", ""), 200, `aria-label="Grade C"`, `id="history"`, "2 reports", `href="/report/example-org"`)
	}
}

func TestAPermanentPageStaysAsItWas(t *testing.T) {
	w := newWorld(t)
	older, newer := graded("example.org", "F", 20), graded("example.org", "A", 10, "DANE")
	older.ID, newer.ID = "older", "newer"
	w.save(t, older)
	w.save(t, newer)
	first := w.ask("GET", "/report/older", "").Body.String()
	for _, later := range []string{"newer", "2 reports"} {
		if strings.Contains(first, later) {
			t.Errorf("the report knows of a later one: %q", later)
		}
	}
	want(t, w.ask("GET", "/report/newer", ""), 200, "2 reports", `href="/report/older"`)
}

// The evidence of these reports is nothing at all, so today's rules cannot arrive at their letters.
func TestAReportThatWouldBeJudgedOtherwiseTodaySaysSo(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("example.org", "A", 1, "DANE"))
	want(t, w.ask("GET", "/report/example-org", ""), 200, `aria-label="Grade A"`, "Judged by rule set 1.", "would give the same evidence")
	kept, err := w.cfg.Store.Get(t.Context(), "example-org")
	if err != nil || kept.Grade.Letter != "A" {
		t.Errorf("the report itself has changed: %+v, %v", kept.Grade, err)
	}
}

func TestADomainWithoutMailIsMetKindly(t *testing.T) {
	for state, says := range map[string]string{"null": "Nothing to protect", "none": "No mail arrives here", "nxdomain": "There is no such domain"} {
		w := newWorld(t)
		r := graded("example.org", "N", 0)
		r.MX = &report.MX{State: report.MXState(state)}
		w.save(t, r)
		want(t, w.ask("GET", "/check/example.org", ""), 200, says, "SPF and DMARC")
	}
}

func TestTheFrontPageSaysWhoRunsIt(t *testing.T) {
	path := t.TempDir() + "/mxseal.db"
	w := open(t, path, func(c *Config) {
		c.Operator, c.Contact, c.OptOut = "Example & Sons", "abuse@mxseal.example", "Publish a TXT record "+hostile
	})
	want(t, w.ask("GET", "/", ""), 200, "Example &amp; Sons", `href="mailto:abuse@mxseal.example"`, "Publish a TXT record &lt;script&gt;")
	for contact, link := range map[string]string{"https://mxseal.example/contact": `href="https://mxseal.example/contact"`, "javascript:alert(1)": "complaints: javascript:alert(1)"} {
		w := open(t, t.TempDir()+"/mxseal.db", func(c *Config) { c.Contact = contact })
		rec := w.ask("GET", "/", "")
		want(t, rec, 200, link)
		if strings.Contains(rec.Body.String(), "whois") {
			t.Error("a way around, though there is a contact")
		}
	}
	want(t, newWorld(t).ask("GET", "/", ""), 200, "whois names its abuse contact") // no dead end
}
