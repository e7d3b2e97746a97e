package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image"
	"image/png"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/static"
	"mxseal/templates"
	"mxseal/web/badge"
)

// graded is a report with a letter, so many days old.
func graded(domain string, l report.Letter, days int, badges ...report.Badge) *report.Report {
	return &report.Report{Meta: report.Meta{Schema: report.Schema, ID: strings.ReplaceAll(domain, ".", "-"), Domain: domain, UnicodeDomain: domain, CheckedAt: time.Now().UTC().AddDate(0, 0, -days)}, Conclusions: report.Conclusions{Rules: report.RulesSet, Badges: badges, Grade: &report.Grade{Letter: l, Sentence: "What the letter says."}}}
}

// without is a report of a domain that gets no grade.
func without(domain string, l report.Letter, why report.Reason) *report.Report {
	r := graded(domain, l, 0)
	r.Grade.Reason = why
	return r
}

func (w *world) save(t *testing.T, r *report.Report) {
	t.Helper()
	if err := w.cfg.Store.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

var badgeSizes = map[string][2]int{"flat": {186, 20}, "seal": {172, 44}}

func TestBadgesSayWhatIsHonest(t *testing.T) {
	today := time.Now().UTC().Format("2 Jan 2006")
	for _, c := range []struct {
		domain  string
		report  *report.Report
		message string
	}{
		{"a.example", graded("a.example", "A+", 0, "MTA-STS"), "A+ · " + today}, // the stronger of the two
		{"b.example", graded("b.example", "B", 0, "reports"), "B · " + today},
		{"c.example", graded("c.example", "C", 0, "PQ"), "C · " + today},
		{"d.example", graded("d.example", "D", 0), "D · " + today},
		{"e.example", graded("e.example", "E", 0, "DANE"), "E · " + today}, // some mail is readable: no claim
		{"f.example", graded("f.example", "F", 0), "F · " + today},
		{"t.example", graded("t.example", "T", 0), "not tested"},
		{"gone.example", without("gone.example", "T", report.DoesNotExist), "does not exist"},
		{"stuck.example", without("stuck.example", "T", report.Undeliverable), "undeliverable"},
		{"n.example", graded("n.example", "N", 0), "takes no mail"},
		{"old.example", graded("old.example", "A", 31, "DANE"), "outdated"}, // what was true then is no claim now
		{"month.example", graded("month.example", "A", 29, "DANE"), "A · " + time.Now().UTC().AddDate(0, 0, -29).Format("2 Jan 2006")},
		{"bare.example", &report.Report{Meta: report.Meta{ID: "bare", Domain: "bare.example", CheckedAt: time.Now()}}, "not tested"},
		{"new.example", nil, "not tested"},
		{"localhost", nil, "no mail domain"},
	} {
		w := newWorld(t)
		if c.report != nil {
			w.save(t, c.report)
		}
		rec := w.ask("GET", "/badge/"+c.domain+".json", "")
		var got struct {
			SchemaVersion         int
			Label, Message, Color string
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != 200 || got.SchemaVersion != 1 || got.Color == "" {
			t.Errorf("%s: %d, %v, %s", c.domain, rec.Code, err, rec.Body)
		}
		if got.Label != "mail security" || got.Message != c.message {
			t.Errorf("%s: %s: %s, want %s", c.domain, got.Label, got.Message, c.message)
		}
		letter, date, dated := strings.Cut(c.message, " · ")
		text := "mail security: " + letter
		if dated {
			text += ", tested " + date
		}
		want(t, w.ask("GET", "/badge/"+c.domain+".svg", ""), 200, ">mail security<", ">"+letter+"<", `aria-label="`+text+`"`)
	}
}

func TestEveryBadgeIsAPictureOfOneSize(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("a.example", "A+", 0, "DANE"))
	hostile := []string{
		"a.example", "unknown.example", "bücher.example", // good names
		`"><script>alert(1)</script>`, "' onload='alert(1)", "<svg/onload=1>", "&lt;&amp;", "]]>", "\x00\x01", "\xff\xfe", "\u202eevil.example", "..", "a/b", "..%2f..%2fetc", "%", strings.Repeat("a", 300), strings.Repeat("a.", 500), "svg", ".", " ",
	}
	for _, name := range hostile {
		for style, size := range badgeSizes {
			for _, theme := range []string{"", "dark", `"><x`} {
				query := "?style=" + style + "&theme=" + url.QueryEscape(theme)
				path := "/badge/" + url.PathEscape(name)
				rec := w.ask("GET", path+".svg"+query, "")
				if rec.Code != 200 || rec.Header().Get("Content-Type") != "image/svg+xml" {
					t.Errorf("%q: %d, %s", name, rec.Code, rec.Header().Get("Content-Type"))
				}
				wellFormed(t, rec.Body.Bytes())
				if strings.Contains(rec.Body.String(), "script") || strings.Contains(rec.Body.String(), "onload") {
					t.Errorf("%q came into the picture: %s", name, rec.Body)
				}
				for ending, scale := range map[string]int{".png": 1, "@2x.png": 2} {
					rec := w.ask("GET", path+ending+query, "")
					img, err := png.Decode(rec.Body)
					if err != nil || rec.Code != 200 || rec.Header().Get("Content-Type") != "image/png" {
						t.Errorf("%q%s: %d, %v", name, ending, rec.Code, err)
						continue
					}
					if got := img.Bounds().Size(); got != image.Pt(size[0]*scale, size[1]*scale) {
						t.Errorf("%q%s: %v, want %v times %d", name, ending, got, size, scale)
					}
				}
			}
		}
	}
	w.settle()
	if n := w.runs.Load(); n != 0 {
		t.Errorf("badges started %d checks", n)
	}
}

func wellFormed(t *testing.T, content []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(content))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("no well-formed XML: %v\n%s", err, content)
		}
	}
}

func TestABadgeIsCheapForItsReaders(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("a.example", "A", 0, "DANE"))
	for _, ending := range []string{".svg", ".png", "@2x.png", ".json"} {
		rec := w.ask("GET", "/badge/a.example"+ending, "")
		h := rec.Header()
		if h.Get("Cache-Control") != "public, max-age=300" || h.Get("Set-Cookie") != "" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: headers %v", ending, h)
		}
		again := w.ask("GET", "/badge/a.example"+ending, "", "If-None-Match", `"other", `+h.Get("ETag"))
		if again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s: asked again with its ETag: %d, %d bytes", ending, again.Code, again.Body.Len())
		}
		if other := w.ask("GET", "/badge/a.example"+ending, "", "If-None-Match", `"other"`); other.Code != 200 {
			t.Errorf("%s: asked with another ETag: %d", ending, other.Code)
		}
	}
	if w.log.Len() != 0 {
		t.Errorf("readers of badges are in the log:\n%s", w.log)
	}
}

func TestANewReportIsOnTheBadgeAtOnce(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("example.org", "F", 3))
	want(t, w.ask("GET", "/badge/example.org.svg", ""), 200, ">F<")
	w.post("example.org")
	w.settle()
	want(t, w.ask("GET", "/badge/example.org.svg", ""), 200, ">C<")
}

func TestBadgesHaveTheColoursOfTheSeals(t *testing.T) {
	style := newWorld(t).ask("GET", static.Style, "").Body.String()
	for class, letter := range map[string]report.Letter{"a": "A+", "b": "B", "c": "C", "d": "D", "e": "E", "f": "F", "none": "T"} {
		if rule := ".grade-" + class + " { --seal: " + badge.Color(letter) + ";"; !strings.Contains(style, rule) {
			t.Errorf("the style sheet has no %q", rule)
		}
	}
}

func TestTheBadgePageHandsOutWhatIsHonest(t *testing.T) {
	w := newWorld(t)
	w.save(t, graded("a.example", "A", 0, "DANE"))
	w.save(t, graded("e.example", "E", 0))
	w.save(t, graded("old.example", "A", 40, "DANE"))
	want(t, w.ask("GET", "/badge/a.example", ""), 200,
		"user@a.example (DANE, grade A, tested "+time.Now().UTC().Format("2 Jan 2006")+")\nhttps://mxseal.example/to/a.example<",
		`&lt;img src=&#34;https://mxseal.example/badge/a.example@2x.png&#34; width=&#34;186&#34; height=&#34;20&#34; alt=&#34;`,
		"[![Mail security of a.example: A, tested "+time.Now().UTC().Format("2 Jan 2006")+"](https://mxseal.example/badge/a.example.svg)](https://mxseal.example/to/a.example)",
		"https://mxseal.example/badge/a.example.json")
	for _, path := range []string{"/badge/e.example", "/badge/old.example", "/badge/never.example"} {
		rec := w.ask("GET", path, "")
		want(t, rec, 200, "A line for signatures is offered from grade D on")
		if strings.Contains(rec.Body.String(), "(DANE") {
			t.Errorf("%s offers a line for signatures", path)
		}
	}
	want(t, w.ask("GET", "/badge/never.example", ""), 200, "Check never.example")
	want(t, w.ask("GET", "/badge/A.example", ""), 301)
	want(t, w.ask("GET", "/badge/localhost", ""), 404, "Not a mail domain")
	want(t, w.ask("GET", "/badge/a.example", ""), 200, "&lt;picture&gt;&lt;source media=&#34;(prefers-color-scheme: dark)&#34; srcset=&#34;https://mxseal.example/badge/a.example.svg?theme=dark&#34;&gt;")
	for _, ending := range []string{".gif", ".jpg", ".JPEG", ".webp", ".html", "@3x.png", "@1.5x.png", "@2x.svg", "@2x.gif", "@3x.json"} {
		want(t, w.ask("GET", "/badge/a.example"+ending, ""), 404, "No such picture")
	}
	want(t, w.ask("GET", "/badge/user@a.example.svg", ""), 200, "<svg")
}

func TestLinesForSignaturesStayBelow72Columns(t *testing.T) {
	for _, domain := range []string{"a.example", strings.Repeat("a", 18) + ".example", strings.Repeat("a", 19) + ".example", strings.Repeat("abcdefg.", 30) + "example"} {
		b := templates.Badges{Domain: domain, Base: "https://mxseal.example", Label: "STARTTLS", Letter: "C", At: time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC)}
		line, address, _ := strings.Cut(b.Line(), "\n")
		if len(line) >= 72 || !strings.Contains(line, "(STARTTLS, grade C, tested 30 Sep 2026)") || address != "https://mxseal.example/to/"+domain {
			t.Errorf("%d columns: %q, %q", len(line), line, address)
		}
	}
}

func TestCards(t *testing.T) {
	w := newWorld(t)
	for id, name := range map[string]string{
		"plain": "example.org", "long": strings.Repeat("abcdefghij.", 20) + "example", "umlaut": "bücher.example",
		"han": "例え.example", "rtl": "\u202eevil.example", "markup": `<script>&"'.example`, "empty": "",
	} {
		r := graded(name, "A+", 0)
		r.ID, r.Domain, r.UnicodeDomain = id, "xn--a.example", name
		r.Grade.Sentence = strings.Repeat("Senders that check anything at all are protected. ", 9)
		w.save(t, r)
		rec := w.ask("GET", "/report/"+id+"/card.png", "")
		img, err := png.Decode(rec.Body)
		if err != nil || rec.Code != 200 || img.Bounds().Size() != image.Pt(1200, 630) {
			t.Errorf("%s: %d, %v", id, rec.Code, err)
		}
	}
	want(t, w.ask("GET", "/report/nothing/card.png", ""), 404, "No such report")
	want(t, w.ask("GET", "/report/plain", ""), 200,
		`property="og:image" content="https://mxseal.example/report/plain/card.png"`, `property="og:title" content="example.org: A+`, `name="twitter:card"`)
}
