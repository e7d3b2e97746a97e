package templates

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"mxseal/checks/report"
	"mxseal/checks/view"
)

// With -pages DIR every page is also written to DIR, to be looked at in a browser:
//
//	go test ./templates -pages /tmp/pages
var pagesDir = flag.String("pages", "", "write every page to this folder")

func pages() map[string]templ.Component {
	running := Running{Domain: "xn--bcher-kva.org", Unicode: "bücher.org", Heard: 3, Arrivals: []Arrival{NewArrival(rich().Findings[0]), NewArrival(rich().Findings[3]), NewArrival(rich().Findings[6])}}
	for i, t := range topics {
		running.Stages = append(running.Stages, Stage{Topic: t, Begun: []int{1, 4, 3, 0}[min(i/2, 3)], Ended: []int{1, 2, 0, 0}[min(i/2, 3)]})
	}
	return map[string]templ.Component{
		"home": HomePage(frame, Home{Examples: []Example{
			{"perfect.test", "DANE and MTA-STS on every server", "A+"}, {"sts.test", "MTA-STS in force", "B"}, {"certificate.test", "a valid certificate, no policy", "C"},
			{"selfsigned.test", "a self-signed certificate", "D"}, {"backup-cleartext.test", "one backup server without STARTTLS", "E"}, {"no-starttls.test", "no encryption at all", "F"},
			{"unreachable.test", "servers that do not answer", "T"}, {"dane.test", "another F", "F"}, {"null-mx.test", "a domain that takes no mail", "N"}, {"hostile-text.test", hostile, "C"}}}),
		"home-problem": HomePage(frame, Home{Typed: hostile, Problem: "A mail domain has at least one dot: " + hostile}),
		"running":      RunningPage(frame, running),
		"waiting":      RunningPage(frame, Running{Domain: "example.org", Unicode: "example.org", Waiting: true}),
		"badge":        BadgePage(frame, Badges{Domain: "xn--bcher-kva.org", Unicode: "bücher.org", Base: "https://mxseal.example", Checked: true, Label: "STARTTLS", Letter: "C"}),
		"badge-none":   BadgePage(frame, Badges{Domain: "example.org", Unicode: "example.org", Base: "https://mxseal.example"}),
		"unknown":      UnknownPage(frame, "xn--bcher-kva.org", "bücher.org", nil),
		"surveyed": UnknownPage(frame, "example.net", "example.net", []Surveyed{{Name: "gov", Title: hostile, Date: "2026-11-28", Began: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), Letter: "B", Provisional: true},
			{Name: "gov", Title: "Government", Date: "2026-11-28", Letter: "T"}}),
		"to":         ToPage(frame, writing(rich(), "gmail")),
		"to-unknown": ToPage(frame, writing(noMail(), "")),
		"to-nobody":  ToNobody(frame, "xn--bcher-kva.org", "bücher.org"),
		"report":     ReportPage(frame, page(rich())),
		"untestable": ReportPage(frame, page(unreachable())),
		"no-mail":    ReportPage(frame, page(noMail())),
		"bare":       ReportPage(frame, page(&report.Report{Meta: report.Meta{ID: "x", Domain: "example.net", UnicodeDomain: "example.net"}})),
		"error":      ErrorPage(frame, Problem{404, "There is nothing here", "The address may be mistyped: " + hostile, &report.Report{Meta: report.Meta{Domain: "example.net"}}}),
		"check": CheckPage(frame, Check{Topic: topics[5], Doc: Blocks("# DANE\n\nA domain can *publish* which key its servers use: `TLSA` records.\n\n- one\n- two, see [RFC 7672](https://www.rfc-editor.org/rfc/rfc7672)\n\n```\n_25._tcp.mx.example.org. TLSA 3 1 1 …\n```\n\n" + hostile),
			Rules: []report.Rule{{ID: "DAN-10", Title: "The TLSA records of {host} match no certificate", Verdict: report.Fail, Effects: []report.Effect{"M.tlsa=mismatch", "cap B"}, Text: "Senders that check DANE cannot deliver.", FixText: "Publish the digest of the key that {host} uses.", Reference: "RFC 7672 §3"},
				{ID: "DAN-99", Title: hostile, Verdict: report.Info, Effects: []report.Effect{"noA+", "prov", "T", "N"}}}}),
		"grades": GradesPage(frame, Method{
			Letters: []LetterRow{{"A+", "Senders that check anything at all are protected, and no known weak spot is left.", "nobody in our list", "The conditions of A and B both."}, {"F", "Mail to this domain is sent unencrypted.", "listeners", ""}},
			Senders: view.Senders(), Attackers: view.Attackers(), Caps: []Cap{{"C", []CapRule{{"SMT-21", "starttls", "Commands can be injected before TLS"}}}, {"A", []CapRule{{"MX-05", "mx", "There is no MX record at {domain}"}}}}}),
	}
}

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryPage(t *testing.T) {
	for name, c := range pages() {
		t.Run(name, func(t *testing.T) {
			html := render(t, c)
			if *pagesDir != "" {
				write(t, name+".html", []byte(html))
			}
			bare := strings.Replace(html, `<script src="live.js" defer></script>`, "", 1) // the only one
			for _, tag := range []string{"<script", "<img src=x", "onerror=alert(2)>"} {
				if strings.Contains(bare, tag) {
					t.Errorf("a stranger's markup came through: %s", tag)
				}
			}
			if strings.Contains(html, "style=\"") {
				t.Error("an inline style, which the content security policy forbids")
			}
			if n := strings.Count(html, "<h1"); n != 1 {
				t.Errorf("%d headings of level 1", n)
			}
			ids := make(map[string]bool)
			for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(html, -1) {
				if ids[m[1]] {
					t.Errorf("two elements have the id %s", m[1])
				}
				ids[m[1]] = true
			}
			for _, m := range regexp.MustCompile(` (?:href="#|for="|aria-describedby=")([^"]*)"`).FindAllStringSubmatch(html, -1) {
				if !ids[m[1]] {
					t.Errorf("a link leads to #%s, which is not there", m[1])
				}
			}
			for _, m := range regexp.MustCompile(`<(input|button)\b[^>]*>`).FindAllString(html, -1) {
				if strings.Contains(m, `type="text"`) && !strings.Contains(m, ` id="`) {
					t.Errorf("a field without a label: %s", m)
				}
			}
		})
	}
	if *pagesDir != "" {
		for _, name := range []string{"style.css", "icon.svg", "live.js"} {
			content, err := os.ReadFile(filepath.Join("..", "static", name))
			if err != nil {
				t.Fatal(err)
			}
			write(t, name, content)
		}
	}
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(*pagesDir, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReportPageSays(t *testing.T) {
	html := render(t, ReportPage(frame, page(rich())))
	for _, want := range []string{
		"bücher.org", "xn--bcher-kva.org", // both forms of the name
		`aria-label="Grade E, provisional"`, "Legitimate mail is being rejected: your servers do not have the key that your TLSA records promise.",
		"Legitimate mail is being rejected.",              // a broken promise
		"Provisional.", "the time for one domain ran out", // and why
		`href="#SMT-12"`, `id="SMT-12"`, // the reason leads to its finding
		"Gmail, which checks MTA-STS", "Intercepted", "Blocked, safe", "Protected",
		"not offered", "did not answer on port 25", // stages of the overview
		"KSK 20326, RSASHA256, 2048 bit", "signature-expired", // the ladder
		"its parent does not point to them", "NSEC3 with 0 further iterations, salted", "discarded", "ffdhe2048", "mode: enforce", "7 days", // the policy, raw and read
		"220 2.0.0 Ready to start TLS", "Let&#39;s Encrypt",
		`/report/k2m4p6q8s2t4v6x8z2b4d6f8h2?format=json`, "https://mxseal.example/report/k2m4p6q8s2t4v6x8z2b4d6f8h2",
		"&lt;script&gt;", // the stranger's text, as text
		"Fix these first", "Turn on STARTTLS at mx2.example.net", "What holds it at E",
		`<a href="/report/earlier">report of 31 July 2026, 12:30 UTC</a>`, "<del>D</del>", "<ins>E</ins>", "is new", "is gone", // the difference
		"Upcoming expiry dates", "The certificate ends.", "4 Aug 2026", // the forecast
		`class="chart"`, "M34 14H385V168H444V102H620V124", "4 reports", "provisional", // the history
		"would give the same evidence", "Today's rules (set 2)",
		`aria-current="true"`, "Why each cell says so", "Any server that answers gets the mail", // the reasons of the matrix
		`href="/badge/xn--bcher-kva.org"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestPagesWithoutALetterExplainThemselves(t *testing.T) {
	for want, r := range map[string]*report.Report{
		"Why there is no grade":                     unreachable(),
		"did not answer on port 25 within 15 s":     unreachable(),
		"The domain declares that it takes no mail": noMail(),
	} {
		html := render(t, ReportPage(frame, page(r)))
		if !strings.Contains(html, want) {
			t.Errorf("%s: the page does not say %q", r.Domain, want)
		}
		if strings.Contains(html, `class="matrix"`) {
			t.Errorf("%s: a matrix without a letter", r.Domain)
		}
	}
}

func TestOnlyErrorsAreCalledErrors(t *testing.T) {
	for status, kicker := range map[int]string{403: "No check was begun", 404: "Error 404", 422: "Error 422", 429: "Please wait", 500: "Error 500", 503: "Please wait"} {
		if html := render(t, ErrorPage(frame, Problem{Status: status, Title: "A problem"})); !strings.Contains(html, `<p class="kicker">`+kicker+`</p>`) {
			t.Errorf("%d is not called %q", status, kicker)
		}
	}
}
