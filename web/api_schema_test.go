package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/getkin/kin-openapi/openapi3"

	"mxseal/checks"
	"mxseal/checks/lab"
	"mxseal/checks/report"
	"mxseal/web/problem"
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
	var names []string // of fields in Go that are no words of people
	for _, s := range []reflect.Type{reflect.TypeFor[report.Report](), reflect.TypeFor[report.Certificate](), reflect.TypeFor[report.Finding](), reflect.TypeFor[report.Host](),
		reflect.TypeFor[report.Address](), reflect.TypeFor[report.SMTP](), reflect.TypeFor[report.TLS](), reflect.TypeFor[report.MTASTS](), reflect.TypeFor[report.Past]()} {
		for _, f := range reflect.VisibleFields(s) {
			if strings.ToUpper(f.Name) != f.Name {
				names = append(names, f.Name)
			}
		}
	}
	ofGo := regexp.MustCompile(`\bnil\b|RULES|[a-z,] (` + strings.Join(names, "|") + `)\b|\b[A-Za-z]+\.[A-Z][a-z]+\b`)
	var look func(at string, part any)
	look = func(at string, part any) {
		switch part := part.(type) {
		case map[string]any:
			if text, ok := part["description"].(string); ok && ofGo.MatchString(text) {
				t.Errorf("%s is described in the language of Go: %s", at, text)
			}
			for name, p := range part {
				if name != "examples" {
					look(at+"/"+name, p)
				}
			}
		case []any:
			for i, p := range part {
				look(fmt.Sprint(at, "/", i), p)
			}
		}
	}
	var plain map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &plain); err != nil {
		t.Fatal(err)
	}
	look("", plain)
	if security, ok := plain["security"].([]any); !ok || len(security) != 0 {
		t.Errorf("the document does not say that nothing secret is needed: %v", plain["security"])
	}
}

// Lists of words that stay have names in every language of programs, and the same wherever they
// stand; those that may grow say so. Numbers are as small as they are.
func TestTheWordsAndNumbersOfTheAPI(t *testing.T) {
	w := newWorld(t)
	var doc struct {
		Components struct{ Schemas map[string]map[string]any }
		Paths      map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct {
					Schema   map[string]any
					Examples map[string]any
				}
				Headers map[string]struct{ Schema map[string]any }
			}
		}
	}
	if err := json.Unmarshal(w.ask("GET", "/openapi.json", "").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for name, first := range map[string][2]string{"Letter": {"A+", "APlus"}, "State": {"secure", "Secure"}, "Verdict": {"pass", "Pass"}, "Check": {"mx", "MX"},
		"Outcome": {"AUTH", "Auth"}, "Depth": {"quick", "Quick"}} {
		s := doc.Components.Schemas[name]
		words, _ := s["enum"].([]any)
		names, _ := s["x-enum-varnames"].([]any)
		if len(words) < 3 || len(words) != len(names) || words[0] != first[0] || names[0] != first[1] {
			t.Errorf("%s: %v are called %v", name, words, names)
		}
	}
	grows := 0
	var look func(at string, part any)
	look = func(at string, part any) {
		switch part := part.(type) {
		case []any:
			for i, p := range part {
				look(fmt.Sprint(at, "/", i), p)
			}
		case map[string]any:
			if part["type"] == "integer" && part["format"] == "int64" {
				t.Errorf("%s is an int64", at)
			}
			if part[extensible] != nil {
				grows++
				if part["enum"] != nil {
					t.Errorf("%s grows and does not", at)
				}
			}
			if part["enum"] != nil && part["x-enum-varnames"] == nil && !slices.Contains([]string{"Pending/properties/state", "Report/properties/state", "Stage/properties/state"}, at) {
				t.Errorf("%s is a list of words without names", at)
			}
			for name, p := range part {
				look(at+"/"+name, p)
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		for key, p := range s {
			look(name+"/"+key, p)
		}
	}
	if text := w.ask("GET", "/openapi.json", "").Body.String(); strings.Contains(text, `"int64"`) {
		t.Error("a parameter is an int64")
	}
	if grows < 20 {
		t.Errorf("only %d lists may grow", grows)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			for status, r := range op.Responses {
				for kind, c := range r.Content {
					if len(c.Examples) == 0 && !strings.HasPrefix(kind, "image/") {
						t.Errorf("%s %s %s has no example", method, path, status)
					}
				}
				if h, ok := r.Headers["Retry-After"]; ok && h.Schema["type"] != "integer" {
					t.Errorf("%s %s %s: Retry-After is %v", method, path, status, h.Schema["type"])
				}
				if status == "202" && fmt.Sprint(r.Content["application/json"].Schema) != fmt.Sprint(op.Responses["200"].Content["application/json"].Schema) {
					t.Errorf("%s %s: 200 and 202 are of different types", method, path)
				}
			}
		}
	}
}

// Every reason that a refusal gives is described, on the page to which its type leads.
func TestTheReasonsOfRefusals(t *testing.T) {
	page := newWorld(t).ask("GET", "/api", "").Body.String()
	sources, err := filepath.Glob("*/*.go")
	if err != nil || len(sources) < 20 {
		t.Fatal(sources, err)
	}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Reason: +"([a-z-]+)"`).FindAllSubmatch(text, -1) {
			if !slices.ContainsFunc(problem.Words, func(w problem.Word) bool { return w.Word == string(m[1]) }) {
				t.Errorf("%s refuses for a reason that is not described: %s", name, m[1])
			}
		}
	}
	for _, w := range problem.Words {
		if !strings.Contains(page, `id="problem-`+w.Word+`"`) {
			t.Errorf("the page does not tell of %s", w.Word)
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
	first := make(map[string]string)
	for _, r := range reports { // some domains were checked twice, and differently
		if id, twice := first[r.Domain]; twice {
			want(t, c.ask("GET", "/api/v1/compare/"+id+"/"+r.ID, ""), 200, `"domain":"`+r.Domain+`"`)
		}
		first[r.Domain] = r.ID
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
	want(t, rec, 200, "JSON API", `href="/openapi.json"`, "curl &#34;https://mxseal.example/api/v1/checks?wait=60&#34; --json", `id="schema-Report"`, "POST /api/v1/checks")
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
