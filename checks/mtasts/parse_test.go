package mtasts

import (
	"strings"
	"testing"

	"mxseal/checks/report"
)

// rules lists the rules of the faults in order, the fatal ones with an exclamation mark.
func rules(faults []fault) string {
	var all []string
	for _, f := range faults {
		s := f.rule
		if f.fatal {
			s += "!"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestParseRecord(t *testing.T) {
	check := func(id string, found bool, want string, txts ...string) {
		t.Helper()
		r := parseRecord(txts)
		if r.id != id || r.found != found || rules(r.faults) != want {
			t.Errorf("%q: id %q, found %v, %q; want %q, %v, %q", txts, r.id, r.found, rules(r.faults), id, found, want)
		}
	}
	good := func(id string, txts ...string) { t.Helper(); check(id, true, "", txts...) }
	bad := func(want string, txts ...string) {
		t.Helper()
		r := parseRecord(txts)
		if rules(r.faults) != want || !r.found {
			t.Errorf("%q: %q, found %v; want %q", txts, rules(r.faults), r.found, want)
		}
	}

	good("20160831085700Z", "v=STSv1; id=20160831085700Z;") // the example of RFC 8461 §3.1
	good("1", "v=STSv1;id=1")                               // no blanks, no semicolon at the end
	good("1", "v=STSv1;  id=1  ; ")                         // blanks around semicolons
	good(strings.Repeat("a", 32), "v=STSv1; id="+strings.Repeat("a", 32))
	good("1", "v=spf1 -all", "v=STSv1; id=1", "google-site-verification=x") // others are discarded
	good("1", "v=STSv1; id=1", "v=STSv2; id=2")                             // a later version is another record

	check("", false, "")                                // nothing there
	check("", false, "", "v=spf1 -all")                 // a wildcard's record
	check("", false, "", "v=STSv10; id=1")              // another version
	check("", false, "", "v=DMARC1; p=none")            //
	check("1", true, "STS-05", "v=STSv1 ; id=1")        // the grammar allows the blank, the discard rule does not
	bad("STS-04!", "v=STSv1; id=1", "v=STSv1; id=2")    // two
	bad("STS-05!", "v=STSv1 ; id=1", "v=spf1 -all")     // beside any other it is discarded
	bad("STS-05!", "v=STSv1 ; id=1", "v=STSv1\t; id=2") // and so are two of the kind
	check("1", true, "STS-05", "v=STSv1\t ;id=1")       // a tab is a blank too
	check("1", true, "STS-43", "v=STSv1 ; id=2", "v=STSv1; id=1")
	check("1", true, "STS-43", "v=stsv1; id=2", "v=STSv1; id=1", "v=spf1 -all")
	check("1", true, "STS-43", `"v=STSv1; id=2"`, "v=STSv1; id=1")
	check("1", true, "STS-44", "v=STSv1; id=1 ") // a blank that ends nothing
	check("1", true, "STS-07 STS-44", "v=STSv1; id=1; a=b\t")
	bad("STS-05!", "v=STSv1\u00a0; id=1")                  // copied from a web page
	bad("STS-05!", "v=STSv1\u2003; id=1")                  //
	bad("STS-05!", "v\u00a0=\u00a0STSv1; id=1")            //
	bad("STS-08!", "\u00a0v=STSv1; id=1")                  //
	bad("STS-08!", "\ufffdv=STSv1; id=1")                  // a byte order mark, cleaned
	bad("STS-06!", "v=STSv1;\u00a0id=1")                   //
	bad("STS-06!", "v=STSv1; id=1\u00a0")                  //
	bad("STS-06!", "v=STSv1; id\u00a0=1")                  //
	bad("STS-06!", "v=STSv1; id=\u00a01")                  //
	bad("STS-08!", "v=STSv1; id=1;\u00a0")                 //
	bad("STS-08!", "v=STSv1; id=1; a=b\u00a0")             //
	bad("STS-06!", "v=STSv1; id = 1")                      // blanks about the =
	bad("STS-06!", "v=STSv1; id =1")                       //
	bad("STS-06!", "v=STSv1; id= 1")                       //
	bad("STS-08!", "v=STSv1; id=1; a = b")                 //
	bad("STS-08!", "v=STSv1; a = b; id=1")                 // wherever the bad field stands
	bad("STS-08!", "v=STSv1; foo; id=1")                   //
	bad("STS-08!", "v=STSv1; id=1; a=")                    // no value
	bad("STS-08!", "v=STSv1; id=1; a=b=c")                 // no = in a value
	bad("STS-05!", "v=stsv1; id=1")                        // other case
	bad("STS-05!", "V=STSv1; id=1")                        //
	bad("STS-05!", "v=STSv1")                              // no semicolon
	bad("STS-05!", "v=STSv1, id=1")                        //
	bad("STS-05!", "v = STSv1; id=1")                      //
	bad("STS-06!", "v=STSv1;")                             // no id
	bad("STS-06!", "v=STSv1; id=")                         // empty
	bad("STS-06!", "v=STSv1; id=2026-01-01")               // not letters and digits
	bad("STS-06!", "v=STSv1; id="+strings.Repeat("a", 33)) // too long
	bad("STS-06!", "v=STSv1; id=a b")                      //
	bad("STS-06!", "v=STSv1; id=\ufffd\ufffd")             // what was not ASCII
	bad("STS-07 STS-06!", "v=STSv1; ID=1")                 // case-sensitive: an unknown field
	bad("STS-07", "v=STSv1; id=1; foo=bar")                // unknown, ignored
	bad("STS-07", "v=STSv1; id=1; id=2")                   // the first counts
	bad("STS-08!", "v=STSv1; id=1; foo")                   // no value
	bad("STS-08!", "v=STSv1; id=1;;")                      // an empty field
	bad("STS-08!", "v=STSv1; id=1; f\ufffd=x")             // not ASCII
	bad("STS-08!", `"v=STSv1; id=1"`)                      // stray quotes
	bad("STS-08!", " v=STSv1; id=1")                       // a leading blank
	bad("STS-08!", "version: STSv1 mode: enforce mx: a.example.org max_age: 86400")
}

const (
	head  = "version: STSv1\nmode: enforce\n"
	plain = head + "mx: mail.example.com\nmax_age: 604800\n"
)

func TestParsePolicy(t *testing.T) {
	good := func(text string, mx ...string) {
		t.Helper()
		p := parsePolicy(text)
		if len(p.faults) > 0 {
			t.Errorf("%q: %v", text, p.faults)
		}
		if strings.Join(p.MX, " ") != strings.Join(mx, " ") {
			t.Errorf("%q: mx %v, want %v", text, p.MX, mx)
		}
	}
	bad := func(want, text string) {
		t.Helper()
		if got := rules(parsePolicy(text).faults); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}

	good("version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800", // RFC 8461 §3.2
		"mail.example.com", "*.example.net", "backupmx.example.com")
	good(plain, "mail.example.com")
	good("max_age:604800\nmx:a.example.com\nmode:testing\nversion:STSv1\n", "a.example.com") // any order, no blanks
	good(head+"mx: a.example.com  \nmax_age: 1 \n", "a.example.com")                         // blanks at the end of a line
	good("version: STSv1\nmode: none\nmax_age: 86400\n")                                     // none needs no mx
	good(head+"mx: MAIL.Example.COM\nmax_age: 1\n", "mail.example.com")                      // host names know no case
	good(head+"mx: xn--mx-fka.example.com\nmax_age: 1\n", "xn--mx-fka.example.com")          // an A-label
	good(head+"mx: *.mail.protection.outlook.com\nmax_age: 604800\n", "*.mail.protection.outlook.com")

	bad("STS-20!", "<!DOCTYPE html><html>404</html>")
	bad("STS-20! STS-21!", "\ufffd"+plain) // a byte order mark takes the version with it
	bad("STS-20!", plain+"# a comment\n")
	bad("STS-20!", plain+"comment\n")
	bad("STS-20!", plain+" x: y\n")      // a blank before the name
	bad("STS-20!", plain+"x : y\n")      // a blank before the colon
	bad("STS-20!", plain+"\u00a0\n")     // no empty line
	bad("STS-20!", plain+"\u00a0x: y\n") //
	bad("STS-20! STS-23!", "version: STSv1\nmode : enforce\nmx: a.example.com\nmax_age: 1\n")
	bad("STS-21!", "version:\u00a0STSv1\nmode: enforce\nmx: a.example.com\nmax_age: 1\n") // a value is not trimmed of what is no blank
	bad("STS-23!", "version: STSv1\nmode: enforce\u00a0\nmx: a.example.com\nmax_age: 1\n")
	bad("STS-24!", head+"mx: a.example.com\nmax_age:\u00a01\n")
	bad("STS-26 STS-25!", head+"mx:\u00a0a.example.com\nmax_age: 1\n")
	bad("STS-20", head+"\nmx: a.example.com\nmax_age: 1\n") // an empty line: tolerated by most
	bad("STS-20", plain+"\n\n")
	bad("STS-20! STS-21! STS-23! STS-24! STS-25!", "version: STSv1\ufffdmode: enforce\ufffdmx: a.example.com\ufffdmax_age: 1\n") // bare carriage returns
	bad("STS-21! STS-23! STS-24! STS-25!", "")
	bad("STS-21!", "mode: enforce\nmx: a.example.com\nmax_age: 1\n")
	bad("STS-21!", "version: STSv2\nmode: enforce\nmx: a.example.com\nmax_age: 1\n")
	bad("STS-21!", "version: stsv1\nmode: enforce\nmx: a.example.com\nmax_age: 1\n")        // case-sensitive
	bad("STS-33 STS-21!", "Version: STSv1\nmode: enforce\nmx: a.example.com\nmax_age: 1\n") // an unknown field
	bad("STS-23!", "version: STSv1\nmx: a.example.com\nmax_age: 1\n")                       // no mode
	bad("STS-23!", "version: STSv1\nmode: Enforce\nmx: a.example.com\nmax_age: 1\n")        //
	bad("STS-23!", "version: STSv1\nmode: report\nmx: a.example.com\nmax_age: 1\n")         // of a draft
	bad("STS-24!", head+"mx: a.example.com\n")                                              // no max_age
	bad("STS-24!", head+"mx: a.example.com\nmax_age: 1w\n")                                 //
	bad("STS-24!", head+"mx: a.example.com\nmax_age: -1\n")                                 //
	bad("STS-24!", head+"mx: a.example.com\nmax_age: 86400000000\n")                        // eleven digits
	bad("STS-24!", head+"mx: a.example.com\nmax_age:\n")                                    //
	bad("STS-25!", head+"max_age: 1\n")                                                     // no mx
	bad("STS-26", plain+"mx: *\n")                                                          // nothing but a wildcard
	bad("STS-26", plain+"mx: mail.*.example.com\n")                                         // not the left-most label
	bad("STS-26", plain+"mx: mail*.example.com\n")                                          // not the whole label
	bad("STS-26", plain+"mx: *.*.example.com\n")                                            //
	bad("STS-26", plain+"mx: .example.com\n")                                               // as in a draft
	bad("STS-26", plain+"mx: mail.example.com.\n")                                          //
	bad("STS-26", plain+"mx: mail.example.com:25\n")                                        //
	bad("STS-26", plain+"mx: https://mail.example.com/\n")                                  //
	bad("STS-26", plain+"mx: 192.0.2.1\n")                                                  //
	bad("STS-26", plain+"mx: [192.0.2.1]\n")                                                //
	bad("STS-26", plain+"mx: 2001:db8::1\n")                                                //
	bad("STS-26", plain+"mx: mäil.example.com\n")                                           // a U-label
	bad("STS-26", plain+"mx: a.example.com, b.example.com\n")                               // a list
	bad("STS-26", plain+"mx:\n")                                                            //
	bad("STS-26 STS-25!", head+"mx: *\nmax_age: 1\n")                                       // and nothing is left
	bad("STS-31!", plain+"mx: *.com\n")                                                     // everybody's servers
	bad("STS-31!", plain+"mx: *.co.uk\n")                                                   //
	bad("STS-32", plain+"mode: none\n")                                                     // the first counts
	bad("STS-32", plain+"max_age: 1\n")                                                     //
	bad("STS-33", plain+"contact: postmaster\n")                                            //
}

func TestPolicyMayHoldAByteOrderMark(t *testing.T) {
	f, isFatal := invalidating(parsePolicy(clean("\ufeff" + plain)).faults)
	if !isFatal || f.rule != "STS-20" {
		t.Errorf("%v", f)
	}
}

func TestOnlyFatalFaultsAreKeptBeyondTheBound(t *testing.T) {
	p := parsePolicy(plain + strings.Repeat("x: y\n", 10_000) + "# fatal\n")
	if _, invalid := invalidating(p.faults); !invalid || len(p.faults) > maxFaults+1 {
		t.Errorf("%d faults kept, invalid %v", len(p.faults), invalid)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"mail.example.com", "mail.example.com", true},
		{"mail.example.com", "MAIL.example.com.", true},
		{"mail.example.com", "a.mail.example.com", false},
		{"*.example.com", "mail.example.com", true},
		{"*.example.com", "a.mail.example.com", false}, // one label
		{"*.example.com", "example.com", false},        // not none
		{"*.example.com", ".example.com", false},
		{"*.example.com", "mail.example.com.evil.net", false},
		{"example.com", "mail.example.com", false},
	} {
		if got := matches(c.pattern, c.host); got != c.want {
			t.Errorf("%s covers %s: %v", c.pattern, c.host, got)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	for _, s := range []string{plain, "\ufeff" + plain, "<html>", plain + "\r\r\n", plain + "mx: *.com\n", "a:b\n\n", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := parsePolicy(clean(text))
		if _, invalid := invalidating(p.faults); invalid {
			return
		}
		if p.Version != "STSv1" || p.MaxAge < 0 || p.MaxAge > maxMaxAge || (p.Mode != "none" && len(p.MX) == 0) {
			t.Errorf("%q is taken for a policy: %+v", text, p.Policy)
		}
		for _, pattern := range p.MX {
			if malformed(pattern).Made() {
				t.Errorf("%q is taken for a pattern", pattern)
			}
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	for _, s := range []string{"v=STSv1; id=1", "v=STSv1 ; id=1;", "v=stsv1", `"v=STSv1; id=1"`, "v=STSv1; a=b; id=2;;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		r := parseRecord([]string{report.Clean(txt, 1024)})
		if _, invalid := invalidating(r.faults); r.found && !invalid && !validID.MatchString(r.id) {
			t.Errorf("%q is taken for a record with the id %q", txt, r.id)
		}
	})
}
