package real

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mxseal/checks/report"
	"mxseal/testdata/daemon"
)

// stripping is a way to mail servers, by a port of its own at their addresses, on which somebody takes STARTTLS out.
func stripping(t *testing.T, addresses ...string) (port int) {
	t.Helper()
	for i, ip := range addresses {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if i == 0 {
			port = l.Addr().(*net.TCPAddr).Port
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					server, err := net.Dial("tcp", net.JoinHostPort(ip, strconv.Itoa(smtpPort)))
					if err != nil {
						return
					}
					go func() { io.Copy(server, c); server.Close() }()
					said := make([]byte, 4096)
					for {
						n, err := server.Read(said)
						c.Write(bytes.ReplaceAll(said[:n], []byte("STARTTLS"), []byte("XXXXXXXA")))
						if err != nil {
							return
						}
					}
				}()
			}
		}()
	}
	return port
}

// A site on whose way STARTTLS is taken out asks a worker in another network, and says what that saw; so it does
// where the server really has none, and where nobody is in the other network.
func TestVantages(t *testing.T) {
	s := share(t)
	s.do("migrate")
	port := stripping(t, the.IP["hardened"], the.IP["cleartext"])
	site, err := daemon.Serve(the.program(), filepath.Join(s.run.Dir, "site"), []string{"MXSEAL_DATABASE=" + s.URL},
		append(the.flags(), "--smtp-port", strconv.Itoa(port), "--vantage", "here", "--confirm-from", "oslo")...)
	if err != nil {
		t.Fatal(err)
	}
	defer site.Stop(time.Minute)
	alone := ask(t, site.URL, "encrypt.test")
	if rules := found(alone, "VAN-"); alone.Vantage != "here" || rules != "VAN-03" || !alone.Grade.Provisional {
		t.Errorf("with nobody elsewhere: from %q, %s, %+v", alone.Vantage, rules, alone.Grade)
	}
	s.work("oslo", append(the.flags(), "--vantage", "oslo")...)
	for end := time.Now().Add(time.Minute); !strings.Contains(s.run.Read("oslo.log"), "at work"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the worker does not begin")
		}
	}
	for _, c := range []struct {
		domain, rule string
		letter       report.Letter
		provisional  bool
	}{{"trusted.test", "VAN-01", "F", true}, {"cleartext.test", "VAN-02", "F", false}} {
		r := ask(t, site.URL, c.domain)
		if rules := found(r, "VAN-"); rules != c.rule || r.Grade.Letter != c.letter || r.Grade.Provisional != c.provisional {
			t.Errorf("%s: %s, %s (provisional: %v)", c.domain, rules, r.Grade.Letter, r.Grade.Provisional)
		}
	}
	if t.Failed() {
		t.Logf("%s", site.Log())
	}
}

// ask has a site check a domain, and returns the report.
func ask(t *testing.T, at, domain string) *report.Report {
	t.Helper()
	answer, err := http.Post(at+"/api/v1/checks", "application/json", strings.NewReader(`{"domain": "`+domain+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		answer, err := http.Get(at + "/api/v1/domains/" + domain)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		if answer.StatusCode == http.StatusOK && json.Unmarshal(text, &r) == nil && r.Grade != nil {
			return &r
		}
	}
	t.Fatalf("%s: no report; the check was answered by %s", domain, answer.Status)
	return nil
}

// found are the rules of an area that apply, each once.
func found(r *report.Report, area string) string {
	var rules []string
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Rule, area) && !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	return strings.Join(rules, " ")
}
