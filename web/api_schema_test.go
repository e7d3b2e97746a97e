package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/getkin/kin-openapi/openapi3"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// The document is public: what is in the golden file may be added to, and nothing else.
func TestTheDocumentOfTheAPI(t *testing.T) {
	w := newWorld(t)
	rec := w.ask("GET", "/openapi.json", "")
	want(t, rec, 200)
	doc, err := openapi3.NewLoader().LoadFromData(rec.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, rec.Body.Bytes(), "", " "); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(golden); err != nil || !bytes.Equal(kept, pretty.Bytes()) {
		t.Errorf("the document differs from %s (%v); -update rewrites it", golden, err)
	}
	for name, s := range doc.Components.Schemas {
		if strings.Contains(s.Value.Description, "nil") {
			t.Errorf("%s is described in the language of Go: %s", name, s.Value.Description)
		}
		for field, p := range s.Value.Properties {
			if p.Ref == "" && strings.Contains(p.Value.Description, "nil") {
				t.Errorf("%s.%s is described in the language of Go: %s", name, field, p.Value.Description)
			}
		}
	}
}

// No report of the lab, and nothing that is said while it is made, is other than the
// document says.
func TestReportsAreAsDescribed(t *testing.T) {
	var reports []*report.Report
	var events []report.Event
	synctest.Test(t, func(t *testing.T) {
		l, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		config := checks.Config{Resolvers: []netip.AddrPort{l.Resolver()}, Anchors: l.Anchors(), Roots: l.CA(), SMTPPort: l.SMTPPort(), STSPort: l.STSPort(),
			Allow: l.Networks(), HELO: "mxseal.example", Dial: l.Dial}
		look := func(names ...string) {
			e, err := checks.New(config)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				d, err := e.ParseDomain(name)
				if err != nil {
					t.Fatal(err)
				}
				reports = append(reports, e.Run(t.Context(), d, fmt.Sprint(len(reports)), func(e report.Event) { events = append(events, e) }))
			}
		}
		for _, d := range l.Domains() {
			look(d.Name)
		}
		config.Depth = report.Full // and with the past of others, so that much has changed
		config.Previous = func(context.Context, string) *report.Report { return reports[len(reports)/2] }
		look("perfect.test", "dane.test", "sts.test", "export.test", "old-tls.test", "bogus.test", "null-mx.test")
		config.Depth = report.Quick
		config.Previous = func(context.Context, string) *report.Report { return reports[0] }
		look("perfect.test", "no-starttls.test", "unreachable.test")
	})
	w := newWorld(t)
	c := promised(t, w)
	for _, r := range reports {
		if err := w.cfg.Store.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		want(t, c.ask("GET", "/api/v1/reports/"+r.ID, ""), 200, `"id":"`+r.ID+`"`)
	}
	if !slices.ContainsFunc(reports, func(r *report.Report) bool { return len(r.Changes) > 0 }) {
		t.Error("no report tells of changes")
	}
	told := map[string]int{}
	for _, e := range events {
		schema, v := "Progress", any(e.Progress)
		if e.Finding != nil {
			schema, v = "Finding", e.Finding
		}
		if e.Done == nil {
			data, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			c.holds(schema, data)
			told[schema]++
		}
	}
	if told["Progress"] == 0 || told["Finding"] == 0 {
		t.Errorf("events %v", told)
	}
}

func TestThePageOfTheAPI(t *testing.T) {
	w := newWorld(t)
	rec := w.ask("GET", "/api", "")
	want(t, rec, 200, "JSON API", `href="/openapi.json"`, "curl https://mxseal.example/api/v1/checks --json", `id="schema-Report"`, "POST /api/v1/checks")
	page := rec.Body.String()
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]]++; ids[m[1]] > 1 {
			t.Errorf("two elements are called %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] == 0 {
			t.Errorf("nothing is called %s", m[1])
		}
	}
	c := promised(t, w)
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if ids[op.OperationID] == 0 || !strings.Contains(page, method+" "+path) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for name := range c.doc.Components.Schemas {
		if ids["schema-"+name] == 0 {
			t.Errorf("%s is not on the page", name)
		}
	}
}
