package input

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mxseal/checks/report"
)

func TestParseAccepts(t *testing.T) {
	label63 := strings.Repeat("a", 63)
	long := strings.Repeat(label63+".", 3) + strings.Repeat("b", 60) // 252 octets
	good := func(typed, ascii string, notes ...string) {
		t.Helper()
		d, err := Parse(typed, false)
		if err != nil {
			t.Errorf("%.60q: %v", typed, err)
			return
		}
		if d.ASCII != ascii {
			t.Errorf("%.60q is %q, want %q", typed, d.ASCII, ascii)
		}
		if !slices.Equal(d.Notes, notes) {
			t.Errorf("%.60q has the notes %v, want %v", typed, d.Notes, notes)
		}
	}
	good("example.org", "example.org")
	good("  Example.ORG\t", "example.org")             // case and white space
	good("a-b.1und1.de", "a-b.1und1.de")               // digits and hyphens
	good("r3---sn.example.org", "r3---sn.example.org") // hyphens in places three and four of a plain label
	good("3com.com", "3com.com")                       // a label may begin with a digit
	good("user@example.org", "example.org", "INP-02")  // an address
	good(`"a@b"@example.org`, "example.org", "INP-02") // what follows the last @
	good("a/b@example.org", "example.org", "INP-02")   // a slash belongs to the local part
	good("mailto:user@example.org", "example.org", "INP-02")
	good("MAILTO:user@example.org?subject=a@b", "example.org", "INP-02") // what follows ? is no address
	good("Jane Doe <jane@example.org>", "example.org", "INP-02")
	good("<jane@example.org>", "example.org", "INP-02")
	good("user＠example．org", "example.org", "INP-02") // full-width @ and dot
	good("https://example.org", "example.org", "INP-02")
	good("https://example.org/contact?x=1#y", "example.org", "INP-02")
	good("HTTP://example.org/a@b:25", "example.org", "INP-02") // the path is not the authority
	good("example.org/contact", "example.org", "INP-02")
	good("example.org.", "example.org", "INP-03")
	good("user@example.org.", "example.org", "INP-02", "INP-03")
	good("bücher.example.org", "xn--bcher-kva.example.org")
	good("BÜCHER.example.org", "xn--bcher-kva.example.org") // mapped to lower case
	good("xn--bcher-kva.example.org", "xn--bcher-kva.example.org")
	good("XN--BCHER-KVA.example.org", "xn--bcher-kva.example.org")
	good("faß.de", "xn--fa-hia.de")                           // ß is not ss: non-transitional
	good("例え。テスト．jp", "xn--r8jz45g.xn--zckzah.jp")            // ideographic and full-width dots
	good("bu\u0308cher.de", "xn--bcher-kva.de")               // composed by NFC
	good("col·lecció.cat", mustASCII(t, "col·lecció")+".cat") // the middle dot between two l
	good("נועם.co.il", mustASCII(t, "נועם")+".co.il")
	good("co.uk", "co.uk", "INP-12")                               // a public suffix
	good("github.io", "github.io", "INP-12")                       // also one of the private section
	good(long, long, "INP-08")                                     // _25._tcp. in front does not fit
	good("раураӏ.com", mustASCII(t, "раураӏ")+".com", "INP-15")    // Cyrillic letters that all look Latin
	good("exаmple.org", mustASCII(t, "exаmple")+".org", "INP-15")  // one Cyrillic а among Latin letters
	good("почта.рф", mustASCII(t, "почта")+"."+mustASCII(t, "рф")) // plainly Cyrillic
	good("mail東京.jp", mustASCII(t, "mail東京")+".jp")                // Latin and Han belong together in Japan
}

func mustASCII(t *testing.T, u string) string {
	t.Helper()
	a, err := oneLabel.ToASCII(u)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestParseRejects(t *testing.T) {
	label64 := strings.Repeat("a", 64)
	bad := func(typed, rule string) {
		t.Helper()
		d, err := Parse(typed, false)
		var input *Error
		if !errors.As(err, &input) {
			t.Errorf("%.60q was taken as %q, want %s", typed, d.ASCII, rule)
			return
		}
		if input.Rule != rule {
			t.Errorf("%.60q breaks %s, want %s", typed, input.Rule, rule)
		}
		if input.Sentence == "" {
			t.Errorf("%.60q: no sentence for the person", typed)
		}
	}
	bad("", "INP-01")
	bad(" \t\n", "INP-01")
	bad(strings.Repeat("a.", 600)+"org", "INP-01") // longer than 1024
	bad("user@", "INP-01")
	bad("https://", "INP-01")
	bad("a..b", "INP-04")
	bad(".example.org", "INP-04")
	bad("example.org..", "INP-04")
	bad(".", "INP-04")
	bad("。", "INP-04")                                      // the same dot in another width
	bad("i❤.ws", "INP-05")                                  // a symbol: UTS 46 allows it, IDNA2008 does not
	bad("💩.la", "INP-05")                                   // an emoji
	bad("ab--cd\u00fc.de", "INP-05")                        // hyphens in places three and four of a U-label
	bad("-ü.de", "INP-05")                                  // a hyphen at the start of a U-label
	bad("\u0301ab.de", "INP-05")                            // begins with a combining mark
	bad("a\u200db.de", "INP-05")                            // a joiner out of context
	bad("אa.com", "INP-05")                                 // directions mixed in one label
	bad("1.אב", "INP-05")                                   // a label that begins with a digit beside one from right to left
	bad("\xff\xfe.org", "INP-05")                           // no UTF-8
	bad("℀.org", "INP-05")                                  // maps to a/c
	bad("example.org\u202e", "INP-05")                      // a bidirectional override
	bad("xn--i-7iq.ws", "INP-06")                           // decodes to a symbol
	bad("xn--example-.org", "INP-06")                       // decodes to plain ASCII
	bad("xn--.org", "INP-06")                               // decodes to nothing
	bad("xn--zz99zz99zz99.org", "INP-06")                   // does not decode
	bad("xn--fa-hia-.de", "INP-06")                         // no round trip
	bad("_dmarc.example.org", "INP-07")                     // underscore
	bad("exam ple.org", "INP-07")                           // a blank
	bad("-a.org", "INP-07")                                 // a hyphen at an end
	bad("a-.org", "INP-07")                                 //
	bad("*.example.org", "INP-07")                          // a wildcard
	bad(label64+".org", "INP-07")                           // 64 octets
	bad(strings.Repeat("ü", 60)+".org", "INP-07")           // more than 63 as an A-label
	bad(strings.Repeat(label64[1:]+".", 4)+"org", "INP-07") // more than 253 in all
	bad("a\x00b.org", "INP-07")
	bad("user@example.org/x", "INP-07")
	bad("com", "INP-09")
	bad("localhost", "INP-09")
	bad("com.", "INP-09")
	bad("192.0.2.1", "INP-10")
	bad("[192.0.2.1]", "INP-10")
	bad("user@[192.0.2.1]", "INP-10")
	bad("user@[IPv6:2001:db8::1]", "INP-10")
	bad("2001:db8::1", "INP-10")
	bad("::ffff:127.0.0.1", "INP-10")
	bad("fe80::1%eth0", "INP-10")
	bad("2130706433", "INP-10")           // 127.0.0.1 as one number
	bad("0x7f.1", "INP-10")               // hexadecimal and short
	bad("0x7f000001", "INP-10")           //
	bad("0177.0.0.01", "INP-10")          // octal
	bad("127.1.", "INP-10")               //
	bad("１２７.０.０.１", "INP-10")            // full-width digits
	bad("https://[::1]/", "INP-10")       //
	bad("http://127.0.0.1:25/", "INP-13") // a port comes first: it is no plain address
	bad("printer.local", "INP-11")
	bad("a.localhost", "INP-11")
	bad("perfect.test", "INP-11")
	bad("a.invalid", "INP-11")
	bad("mail.example", "INP-11")
	bad("abc.onion", "INP-11")
	bad("a.alt", "INP-11")
	bad("a.internal", "INP-11")
	bad("home.arpa", "INP-11")
	bad("2.0.192.in-addr.arpa", "INP-11")
	bad("example.org:25", "INP-13")
	bad("example.org:", "INP-13")
	bad("https://example.org:443/", "INP-13")
	bad("https://user:secret@example.org/", "INP-13")
	bad("user@example.org:587", "INP-13")
}

func TestParseAllowsSpecialUseNamesOnRequest(t *testing.T) {
	d, err := Parse("perfect.test", true)
	if err != nil || d.ASCII != "perfect.test" {
		t.Errorf("%q, %v", d.ASCII, err)
	}
	if _, err := Parse("127.0.0.1", true); err == nil {
		t.Error("an address was taken as a domain")
	}
}

func TestParseForgetsTheLocalPart(t *testing.T) {
	for _, typed := range []string{
		"secret@example.org", "Secret Name <secret@example.org>", "mailto:secret@example.org",
		"secret＠bücher.de", "secret@exa mple.org", "secret@example.org:25", "secret@", "https://secret@example.org/",
	} {
		d, err := Parse(typed, false)
		if strings.Contains(d.ASCII+d.Unicode, "ecret") || err != nil && strings.Contains(err.Error(), "ecret") {
			t.Errorf("%q: the local part is still there: %+v, %v", typed, d, err)
		}
	}
}

// Every row about typed text fires for some text and stays away for another.
func TestRulesAreCovered(t *testing.T) {
	fires := map[string]string{
		"INP-01": "", "INP-02": "a@example.org", "INP-03": "example.org.", "INP-04": "a..b", "INP-05": "💩.la",
		"INP-06": "xn--.org", "INP-07": "a_b.org", "INP-08": strings.Repeat(strings.Repeat("a", 61)+".", 4) + "org",
		"INP-09": "com", "INP-10": "127.1", "INP-11": "a.local", "INP-12": "co.uk", "INP-13": "example.org:25",
		"INP-15": "exаmple.org",
	}
	plain, err := Parse("example.org", false)
	if err != nil || len(plain.Notes) != 0 {
		t.Fatalf("a plain domain: %v, %v", plain.Notes, err)
	}
	for _, rule := range Rules {
		if rule.ID == "INP-14" {
			continue // comes from the evidence, see below
		}
		typed, known := fires[rule.ID]
		d, err := Parse(typed, false)
		var input *Error
		if !known || !slices.Contains(d.Notes, rule.ID) && !(errors.As(err, &input) && input.Rule == rule.ID) {
			t.Errorf("%s fires for no typed text (%q: %v, %v)", rule.ID, typed, d.Notes, err)
		}
	}
}

func TestJudgeInput(t *testing.T) {
	answers := []*report.Host{{Name: "mail.example.org", Addresses: []*report.Address{{Reachable: true}}}}
	silent := []*report.Host{{Name: "mail.example.org", Addresses: []*report.Address{{}}}}
	for _, c := range []struct {
		why    string
		report report.Report
		want   string
	}{
		{"nothing to say", report.Report{Meta: report.Meta{Domain: "example.org"}}, ""},
		{"noted while parsing", report.Report{Meta: report.Meta{Domain: "example.org", Input: []string{"INP-02", "INP-03"}}}, "INP-02 INP-03"},
		{"a row of a later version", report.Report{Meta: report.Meta{Domain: "example.org", Input: []string{"INP-99"}}}, ""},
		{"a server's name without MX that answers", report.Report{Meta: report.Meta{Domain: "mail.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "implicit"}, Hosts: answers}}, "INP-14"},
		{"with a number", report.Report{Meta: report.Meta{Domain: "mx01.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "implicit"}, Hosts: answers}}, "INP-14"},
		{"it does not answer", report.Report{Meta: report.Meta{Domain: "mail.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "implicit"}, Hosts: silent}}, ""},
		{"it has an MX", report.Report{Meta: report.Meta{Domain: "mail.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "ok"}, Hosts: answers}}, ""},
		{"it is named otherwise", report.Report{Meta: report.Meta{Domain: "mailing.example.org"}, Evidence: report.Evidence{MX: &report.MX{State: "implicit"}, Hosts: answers}}, ""},
	} {
		var got []string
		for _, f := range Judge(c.report.Observed()) {
			if f.Check != "" {
				t.Errorf("%s: check %q", c.why, f.Check)
			}
			got = append(got, f.Rule)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.why, s, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"example.org", "a@b.de", "https://bücher.de/x", "mailto:a@b?c", "xn--bcher-kva.de", "0x7f.1", "[::1]", "例え。jp", "A <a@b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		d, err := Parse(typed, false)
		if err != nil {
			var input *Error
			if !errors.As(err, &input) || input.Sentence == "" {
				t.Fatalf("%q: %v is not for the person who typed", typed, err)
			}
			return
		}
		if len(d.ASCII) > maxName || !strings.Contains(d.ASCII, ".") {
			t.Errorf("%q: %q is no mail domain", typed, d.ASCII)
		}
		for _, l := range strings.Split(d.ASCII, ".") {
			if len(l) > maxLabel || !ldh.MatchString(l) {
				t.Errorf("%q: the label %q is not letters, digits and hyphens", typed, l)
			}
		}
		if _, err := netip.ParseAddr(d.ASCII); err == nil {
			t.Errorf("%q is an address", typed)
		}
		for _, again := range []string{d.ASCII, d.Unicode} {
			if same, err := Parse(again, false); err != nil || same.ASCII != d.ASCII {
				t.Errorf("%q gave %q, which gives %q, %v", typed, again, same.ASCII, err)
			}
		}
	})
}
