package real

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"text/template"
	"time"
)

// delivery is a mail domain to which every sender sends a message and at which the program
// looks. What the senders did is the measure: what the report says has to fit it, or the
// difference is explained here.
type delivery struct {
	name  string // of the domain, below .test
	shows string
	hosts []mailHost
	zone  string // records, a template; one MX with one address if empty
	mail  string // the mail domain, where it is not the zone
	// more are further zones by name; they are not signed.
	more   map[string]string
	signed bool
	tamper func(zone string) string // of the signed zone

	want map[string]string // what each sender does: tls, clear, deferred or bounced
	why  map[string]string // sender or client → why it does not do what the table of the report says

	letter      string // or several, separated by blanks, where more than one is right
	provisional bool
	rules       []string // must apply
	absent      []string // must not
}

// mailHost is a mail server of a case.
type mailHost struct {
	label string // in the zone; mx if empty
	manner
	plain bool // knows no TLS
	chain func(names ...string) chain
	names []string // in the certificate; the host's if nil
}

// all says that every sender does the same.
func all(fate string) map[string]string {
	m := make(map[string]string)
	for _, s := range senders {
		m[s] = fate
	}
	return m
}

// but is all with exceptions: sender, fate, sender, fate …
func but(fate string, others ...string) map[string]string {
	m := all(fate)
	for i := 0; i < len(others); i += 2 {
		m[others[i]] = others[i+1]
	}
	return m
}

// row is which sender of the report's table stands for a real one.
var row = map[string]string{"postfix-may": "S1", "postfix-dane": "S2L", "exim": "S2L", "opensmtpd": "S1"}

// outcomes are the words of the report's table for a day without attacker.
var outcomes = map[string]string{"AUTH": "tls", "ENC": "tls", "CLEAR": "clear", "DEFER": "deferred"}

var onlyCases = flag.String("deliveries", "", "take the deliveries whose name has this in it")

// TestDeliveries hands every message over at once, waits until every sender has tried, looks
// at every domain with the program and compares.
func TestDeliveries(t *testing.T) {
	cases := slices.DeleteFunc(slices.Concat(conversations, danes, handshakes), func(c *delivery) bool { return !strings.Contains(c.name, *onlyCases) })
	p := newPost(t, "post", postAddresses)
	p.openAll(cases)
	p.startSenders("senders")
	for _, c := range cases {
		for _, sender := range senders {
			p.must(p.hand(sender, c.domain()))
		}
	}
	p.await(cases, 90*time.Second)
	tried := time.Now()
	reports := p.look(cases)
	opened := p.openByClients(cases)
	time.Sleep(12*time.Second - time.Since(tried)) // Postfix tries again

	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\tPostfix\tPostfix, DANE\tExim\tOpenSMTPD\tgnutls-cli\ts_client\treport of these\tletter\tfindings\t")
	for i, c := range cases {
		r := reports[i]
		fmt.Fprintf(w, "%s\t", c.name)
		for _, sender := range senders {
			fmt.Fprintf(w, "%s\t", p.came(c, sender))
		}
		fmt.Fprintf(w, "%s\t", strings.Join(r.besides(opened[c]), "\t"))
		letter := r.Grade.Letter
		if r.Grade.Provisional {
			letter += "?"
		}
		fmt.Fprintf(w, "%s\t%s\t\n", letter, strings.Join(r.notable(), " "))
		t.Run(c.name, func(t *testing.T) { p.judge(t, c, r); c.compare(t, r, opened[c]) })
	}
	w.Flush()
	t.Logf("what came of it:\n%s", &table)
}

func (d *delivery) domain() string { return cmp.Or(d.mail, d.origin()) }

func (d *delivery) origin() string { return d.name + ".test" }

// judge compares one case with what was expected, and the report with the deliveries.
func (p *post) judge(t *testing.T, c *delivery, r *judged) {
	for _, sender := range senders {
		came := p.came(c, sender)
		if came != c.want[sender] {
			t.Errorf("%s: %s, want %s (%s)", sender, came, c.want[sender], c.shows)
		}
		says := cmp.Or(outcomes[r.Matrix[row[sender]]["A0"]], "untested")
		switch why := c.why[sender]; {
		case says == "deferred" && came == "bounced": // neither is delivered
		case says != came && why == "":
			t.Errorf("%s: %s; the report says %s, and nothing here says why", sender, came, says)
		case says != came:
			t.Logf("%s: %s; the report says %s: %s", sender, came, says, why)
		}
	}
	if !slices.Contains(strings.Fields(c.letter), r.Grade.Letter) || r.Grade.Provisional != c.provisional {
		t.Errorf("letter %s, provisional %v; want %s, %v", r.Grade.Letter, r.Grade.Provisional, c.letter, c.provisional)
	}
	for _, rule := range c.rules {
		if !r.has(rule) {
			t.Errorf("%s does not apply and should", rule)
		}
	}
	for _, rule := range c.absent {
		if r.fails(rule) {
			t.Errorf("%s applies and should not", rule)
		}
	}
	if t.Failed() || testing.Verbose() {
		for _, sender := range senders {
			f := p.fates(sender)[c.domain()]
			t.Logf("%s: %s %s", sender, f.came, f.why)
			for _, s := range p.scripts[c] {
				if _, visits := s.fateOf(sender); len(visits) > 0 {
					t.Logf("    at %s: %v", s.name, visits)
				}
			}
		}
		t.Logf("report: %s %v", r.Grade.Letter, r.lines())
	}
}

// came is what came of a sender's message: what the servers saw of it, otherwise what the
// sender's log says.
func (p *post) came(c *delivery, sender string) string {
	for _, s := range p.scripts[c] {
		if delivered, _ := s.fateOf(sender); delivered != "" {
			return delivered
		}
	}
	return cmp.Or(p.fates(sender)[c.domain()].came, "nothing")
}

// await waits until every sender's log says what came of every message.
func (p *post) await(cases []*delivery, patience time.Duration) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
		var missing []string
		for _, sender := range senders {
			found := p.fates(sender)
			for _, c := range cases {
				if _, ok := found[c.domain()]; !ok {
					missing = append(missing, sender+" "+c.name)
				}
			}
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			p.t.Errorf("not tried within %v: %v\nExim: %s\n%s", patience, missing, p.Read("exim/mainlog"), p.Read("exim4.out"))
			return
		}
	}
}

// judged is the part of a report that these tests read.
type judged struct {
	Grade struct {
		Letter      string
		Provisional bool
	}
	Matrix   map[string]map[string]string
	Findings []struct{ Rule, Host, Verdict, Title, Text string }
	Hosts    []struct {
		Addresses []struct{ Certificates []struct{ PKIX string } }
	}
}

// fails reports whether a rule applies as anything but a pass.
func (r *judged) fails(rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule && f.Verdict != "pass" {
			return true
		}
	}
	return false
}

func (r *judged) has(rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// notable are the rules that failed, warned or could not be tested.
func (r *judged) notable() (rules []string) {
	for _, f := range r.Findings {
		if f.Verdict != "pass" && f.Verdict != "info" {
			rules = append(rules, f.Rule)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

func (r *judged) lines() (lines []string) {
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("\n    %s %s %s: %s", f.Rule, f.Verdict, f.Title, f.Text))
	}
	return lines
}

// look runs the program against every domain, a few side by side.
func (p *post) look(cases []*delivery) []*judged {
	p.t.Helper()
	reports := make([]*judged, len(cases))
	var work sync.WaitGroup
	places := make(chan struct{}, 6)
	for i, c := range cases {
		reports[i] = new(judged)
		work.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			out, err := p.space.Output(context.Background(), the.program(), "check", c.domain(), "--format", "json",
				"--resolver", p.IP["unbound"]+":53", "--trust-anchor", filepath.Join(p.Dir, "anchor"), "--ca-file", filepath.Join(p.Dir, "ca.pem"),
				"--allow-net", "198.18.0.0/15", "--helo", "mxseal.from.test")
			if err == nil {
				err = json.Unmarshal(out, reports[i])
			}
			if err != nil {
				p.t.Errorf("%s: %v\n%.500s", c.name, err, out)
			}
		})
	}
	work.Wait()
	return reports
}

// openAll gives every case its addresses, certificates and zones, and opens its servers.
func (p *post) openAll(cases []*delivery) {
	p.t.Helper()
	p.scripts = make(map[*delivery][]*script)
	p.must(os.WriteFile(filepath.Join(p.Dir, "ca.pem"), block("CERTIFICATE", authority.root), 0o644))
	delegations := new(strings.Builder)
	for n, c := range cases {
		if len(c.hosts) == 0 {
			c.hosts = []mailHost{{}}
		}
		certificates, addresses := make(map[string]chain), make(map[string]string)
		for i, h := range c.hosts {
			label := cmp.Or(h.label, "mx")
			host := label + "." + c.origin()
			address := fmt.Sprintf("198.18.%d.%d", n+1, i+1)
			s := &script{manner: h.manner, name: host, address: address, open: make(map[string]int), visits: make(map[string]int), seen: make(map[string][]visit)}
			if !h.plain {
				make := h.chain
				if make == nil {
					make = fromCA
				}
				names := h.names
				if names == nil {
					names = []string{host}
				}
				certificates[label] = make(names...)
				s.config = certificates[label].config()
				if h.tls != nil {
					h.tls(s.config)
				}
			}
			addresses[label] = address
			p.scripts[c] = append(p.scripts[c], s)
			p.must(p.space.Do(func() error {
				l, err := net.Listen("tcp4", address+":25")
				if err == nil {
					go s.serve(l)
				}
				return err
			}))
		}
		fill := func(text string) string {
			var b strings.Builder
			t, err := template.New(c.name).Funcs(template.FuncMap{
				"ip": func(label string) string { return addresses[label] },
				"tlsa": func(form, of string) (string, error) {
					label, what, _ := strings.Cut(of, "/")
					return tlsaOf(form, certificates[label].named[cmp.Or(what, "leaf")])
				},
			}).Parse(text)
			p.must(err)
			p.must(t.Execute(&b, nil))
			return b.String()
		}
		origin := c.origin() + "."
		algorithm := ""
		if c.signed {
			algorithm = "ECDSAP256SHA256"
		}
		text := cmp.Or(c.zone, "@ MX 10 mx\nmx A {{ip `mx`}}\n")
		ds, err := p.signZone(origin, "$ORIGIN "+origin+"\n"+fill(text), algorithm)
		p.must(err)
		if c.tamper != nil {
			file := filepath.Join(p.Dir, "zones", c.origin()+".zone.signed")
			whole, err := os.ReadFile(file)
			p.must(err)
			p.must(os.WriteFile(file, []byte(c.tamper(string(whole))), 0o644))
		}
		fmt.Fprintf(delegations, "%s NS ns.test.\n%s\n", origin, ds)
		for name, records := range c.more {
			if records == "" { // a zone whose only name server is not there
				fmt.Fprintf(delegations, "%s.test. NS nowhere.test.\n", name)
				continue
			}
			_, err := p.signZone(name+".test.", "$ORIGIN "+name+".test.\n"+fill(records), "")
			p.must(err)
			fmt.Fprintf(delegations, "%s.test. NS ns.test.\n", name)
		}
	}
	fmt.Fprintf(delegations, "ns.test. A %s\nnowhere.test. A 198.18.255.99\n", p.IP["nsd"])
	ds, err := p.signZone("test.", delegations.String(), "ECDSAP256SHA256", "-n", "-t", "0")
	p.must(err)
	ds, err = p.signZone(".", "test. NS ns.test.\nns.test. A "+p.IP["nsd"]+"\n"+ds, "RSASHA256")
	p.must(err)
	p.must(os.WriteFile(filepath.Join(p.Dir, "anchor"), []byte(ds), 0o644))
}

// tlsaOf is the data of a TLSA record for a certificate.
func tlsaOf(form string, der []byte) (string, error) {
	var usage, selector, matching int
	if _, err := fmt.Sscan(form, &usage, &selector, &matching); err != nil {
		return "", fmt.Errorf("TLSA %q: %w", form, err)
	}
	if der == nil {
		return "", fmt.Errorf("TLSA %q of no certificate", form)
	}
	if selector == 1 {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return "", err
		}
		der = c.RawSubjectPublicKeyInfo
	}
	switch matching {
	case 1:
		sum := sha256.Sum256(der)
		der = sum[:]
	case 2:
		sum := sha512.Sum512(der)
		der = sum[:]
	}
	return form + " " + hex.EncodeToString(der), nil
}

// config is that of a server with the chain.
func (c chain) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: c.sent, PrivateKey: c.key}}}
}
