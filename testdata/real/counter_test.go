package real

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mxseal/checks"
	"mxseal/checks/fix"
	"mxseal/checks/input"
	"mxseal/checks/report"
	"mxseal/checks/self"
)

// fixes counts lines of fixes over all tests that try some.
var fixes = &counter{done: make(map[string][][]string)}

// counter knows, by program, the words of each line that was done word by word.
type counter struct {
	mu   sync.Mutex
	done map[string][][]string
}

func (c *counter) tried(program string, steps []step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range steps {
		for line := range strings.SplitSeq(s.Code, "\n") {
			c.done[program] = append(c.done[program], tokens(line))
		}
	}
}

// Names of lineages, digests, and ids have the day and the key in them.
var drawn = regexp.MustCompile(`-20[0-9]{6}\b|[0-9a-f]{64}|<digest>|<your web server>|www.example.net|id=\w+`)

// tokens are the words of a line, whatever is between them.
func tokens(line string) []string {
	return strings.FieldsFunc(drawn.ReplaceAllString(line, " "), func(r rune) bool { return strings.ContainsRune(" ,:='\"`()\n\t", r) })
}

// has says whether a line was tried: one with all its words, for a list may have held others too.
func (c *counter) has(program, line string) bool {
	words := tokens(line)
	return slices.ContainsFunc(c.done[program], func(tried []string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !slices.Contains(tried, word) })
	})
}

// printers are the programs whose settings and commands are printed, by how a step names them.
var printers = []struct {
	name  string
	where *regexp.Regexp // of a step; nil: a part of it under a heading in a comment
}{
	{"Postfix", regexp.MustCompile(`^Postfix: `)}, {"Exim", regexp.MustCompile(`^Exim of Debian`)}, {"OpenSMTPD", regexp.MustCompile(`^OpenSMTPD: `)}, {"Sendmail", regexp.MustCompile(`^Sendmail: `)},
	{"nginx", regexp.MustCompile(`^nginx: `)}, {"Caddy", regexp.MustCompile(`^Caddy: `)}, {"Apache", regexp.MustCompile(`^Apache: `)},
	{"BIND", nil}, {"Knot", nil}, {"PowerDNS", nil}, {"NSD", nil}, {"certbot", nil},
}

// untried are lines that cannot be tried on Debian 12, and why.
var untried = map[string]string{
	`ciphers "HIGH:!`: "OpenSMTPD 6.8 does not know it: “smtpd -n” says syntax error, which was tried",
}

// TestFixes does what is printed to fix things, word by word, and says how many of the lines that any rule
// prints were tried so, program by program, and which were not.
func TestFixes(t *testing.T) {
	t.Run("try", func(t *testing.T) {
		for name, try := range map[string]func(*testing.T){"mail": mailServers, "policy": policyHosts, "sign": primaryServers, "worthless": worthlessKey, "algorithm": newAlgorithm, "renew": renewals} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				try(t)
			})
		}
	})
	if t.Failed() { // what was not reached was not tried
		return
	}
	readRecords(t)
	done, all := 0, 0
	for _, p := range printers {
		lines := printedFor(p.name, p.where)
		n := 0
		for _, line := range lines {
			switch {
			case fixes.has(p.name, line):
				n++
			case reason(line) != "":
				t.Logf("%s: not tried: %s: %s", p.name, line, reason(line))
			default:
				t.Errorf("%s: not tried: %s", p.name, line)
			}
		}
		t.Logf("lines of fixes tried / printed for %s: %d / %d", p.name, n, len(lines))
		done, all = done+n, all+len(lines)
	}
	t.Logf("lines of fixes tried / printed for all of them: %d / %d", done, all)
}

// readRecords has NSD and BIND read every record that is printed, each in a zone of its own.
func readRecords(t *testing.T) {
	n := &town{t: t, world: the.in(t.TempDir())}
	n.must(os.Mkdir(filepath.Join(n.Dir, "zones"), 0o755))
	stand := strings.NewReplacer("<your web server>", "www.example.net", "<digest>", strings.Repeat("ab", 32))
	for _, s := range everyStep("Postfix") {
		if s.Kind != "dns" {
			continue
		}
		zone := "$TTL 300\nexample.net. SOA ns.example.net. h.example.net. 1 3600 600 86400 300\nexample.net. NS ns.example.net.\nns.example.net. A 192.0.2.1\nexample.net. A 192.0.2.1\nmx.example.net. A 192.0.2.1\n"
		n.must(os.WriteFile(filepath.Join(n.Dir, "zones/example.net.zone"), []byte(zone+stand.Replace(s.Code)+"\n"), 0o644))
		if n.parsed() {
			fixes.tried("NSD", []step{{Code: s.Code}})
		}
	}
}

func reason(line string) (why string) {
	for begin, reason := range untried {
		if strings.HasPrefix(line, begin) {
			why = reason
		}
	}
	return why
}

// printedFor are the lines that any rule prints for a program, each once.
func printedFor(name string, where *regexp.Regexp) []string {
	lines := make(map[string]bool)
	for _, s := range everyStep("Postfix", "Exim", "OpenSMTPD", "Sendmail") {
		code := s.Code
		switch {
		case name == "NSD":
			if s.Kind != "dns" {
				continue
			}
		case name == "certbot":
			if !strings.HasPrefix(code, "certbot") {
				continue
			}
		case where == nil:
			if !strings.HasSuffix(s.Where, "if it is "+name) && !strings.Contains(s.Where, "if it is "+name+" ") {
				code = part(code, name)
			}
		case !where.MatchString(s.Where):
			continue
		}
		for line := range strings.SplitSeq(code, "\n") {
			if line != "" && !strings.HasPrefix(line, "#") && !strings.Contains(line, "<as now>") { // what that stands for is tried
				lines[drawn.ReplaceAllString(line, "")] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(lines))
}

// everyStep is what every rule shows, at each of some mail servers, with and without TLSA records and a policy.
func everyStep(programs ...string) (steps []report.Step) {
	rules := slices.Concat(input.Rules, self.Rules)
	for _, c := range checks.All {
		rules = append(rules, c.Rules...)
	}
	for _, software := range programs {
		for _, published := range []bool{false, true} {
			h := &report.Host{Name: host, Addresses: []*report.Address{{IP: homeIP, SMTP: &report.SMTP{Software: software}}}}
			if published {
				h.TLSA.Records = []report.TLSARecord{{Usage: 3, Selector: 1, Matching: 1, Data: strings.Repeat("ab", 32)}}
			}
			r := &report.Report{Meta: report.Meta{Domain: "example.net", CheckedAt: time.Now()}, Evidence: report.Evidence{Hosts: []*report.Host{h}}}
			for _, rule := range rules {
				for _, at := range []string{host, ""} {
					if at == "" && strings.HasPrefix(rule.ID, "MX-18") { // of an address of a host
						continue
					}
					f := report.Finding{Rule: rule.ID, Host: at, Address: homeIP, Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, FixText: "…", Params: map[string]string{"zone": "example.net"}}
					steps = append(steps, fix.Steps(r, checks.Catalogue(), f)...)
				}
			}
		}
	}
	return steps
}

// shownForZone is what is shown for a rule about the zone of the signers' tests, step by step as far as
// one has something for the program.
func shownForZone(rule, program string) (parts []string) {
	r := &report.Report{Meta: report.Meta{Domain: signedZone}}
	f := report.Finding{Rule: rule, Verdict: report.Fail, Effects: []report.Effect{report.NoAPlus}, FixText: "…", Params: map[string]string{"zone": signedZone}}
	for _, s := range fix.Steps(r, checks.Catalogue(), f) {
		if code := part(s.Code, program); code != "" {
			parts = append(parts, code)
		}
	}
	return parts
}
