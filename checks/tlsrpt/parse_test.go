package tlsrpt

import (
	"strings"
	"testing"

	"mxseal/checks/report"
)

// read shows what the records come to: the report addresses and the rules that are broken.
func read(txts ...string) string {
	r := parse(txts)
	var all []string
	for _, t := range r.targets {
		all = append(all, t.URI+" at "+t.Domain)
	}
	for _, f := range r.faults {
		all = append(all, f.rule)
	}
	return strings.Join(all, ", ")
}

func TestParse(t *testing.T) {
	good := func(want string, txts ...string) {
		t.Helper()
		if got := read(txts...); got != want {
			t.Errorf("%q: %q, want %q", txts, got, want)
		}
		if r := parse(txts); r.count != 1 {
			t.Errorf("%q: %d records", txts, r.count)
		}
	}
	bad := good // what follows is in force, in part or not at all
	none := func(count int, meant bool, txts ...string) {
		t.Helper()
		if r := parse(txts); r.count != count || (r.meant != "") != meant || len(r.targets) > 0 {
			t.Errorf("%q: %+v", txts, r)
		}
	}

	good("mailto:reports@example.com at example.com", "v=TLSRPTv1;rua=mailto:reports@example.com") // RFC 8460 §3.1
	good("https://reporting.example.com/v1/tlsrpt at reporting.example.com", "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt")
	good("mailto:a@example.com at example.com, https://b.example.net/x at b.example.net", "v=TLSRPTv1; rua=mailto:a@example.com , https://b.example.net/x")
	good("MAILTO:a@Example.COM at example.com", "v=TLSRPTv1; rua=MAILTO:a@Example.COM")  // schemes and domains know no case
	good("mailto:a@example.com at example.com", "v=TLSRPTv1; rua=mailto:a@example.com;") // one semicolon at the end
	good("mailto:a@example.com at example.com", "v=TLSRPTv1; x=y; rua=mailto:a@example.com")
	good("mailto:a@example.com at example.com", "v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@example.com") // others are discarded
	good("mailto:a@example.com at example.com", "v=TLSRPTv1; rua=mailto:a@example.com; rua=mailto:b@example.com")
	good("mailto:a%2Cb@example.com at example.com", "v=TLSRPTv1; rua=mailto:a%2Cb@example.com")
	good("https://[2001:db8::1]/x at 2001:db8::1", "v=TLSRPTv1; rua=https://[2001:db8::1]/x")

	bad("RPT-04", "v=TLSRPTv1;")                              // no rua
	bad("RPT-04", "v=TLSRPTv1; RUA=mailto:a@example.com")     // case-sensitive
	bad("RPT-04", "v=TLSRPTv1; rua=http://example.com/")      // not encrypted
	bad("RPT-04", "v=TLSRPTv1; rua=a@example.com")            // no scheme
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:example.com")       // no address
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:@example.com")      //
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a@localhost")       //
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a@[192.0.2.1]")     //
	bad("RPT-04", "v=TLSRPTv1; rua=https:///x")               // no host
	bad("RPT-05", "v=TLSRPTv1; rua=mailto:a@example.com!10m") // as in DMARC
	bad("RPT-05", "v=TLSRPTv1; rua=")                         // empty
	bad("mailto:a@example.com at example.com, RPT-05", "v=TLSRPTv1; rua=mailto:a@example.com,")
	bad("mailto:a@example.com at example.com, RPT-04", "v=TLSRPTv1; rua=mailto:a@example.com,b@example.com")
	bad("https://example.com/a at example.com, RPT-05", "v=TLSRPTv1; rua=https://example.com/a;b") // a semicolon inside
	bad("RPT-05", "v=TLSRPTv1; rua=mailto:a b@example.com")
	bad("RPT-05", "v=TLSRPTv1; rua=mailto:\ufffd@example.com")

	none(0, false)
	none(0, false, "v=spf1 -all")
	good("mailto:a@example.com at example.com, RPT-12", "v=TLSRPTv1 ; rua=mailto:a@example.com")  // alone the blank is allowed by the grammar
	good("mailto:a@example.com at example.com, RPT-12", "v=TLSRPTv1\t; rua=mailto:a@example.com") //
	good("mailto:a@example.com at example.com, RPT-12", "v=TLSRPTv1; rua=mailto:a@example.com ")  // at the end it is not
	good("mailto:b@example.com at example.com", "v=TLSRPTv1 ; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:b@example.com")
	none(0, true, "v=TLSRPTv1 ; rua=mailto:a@example.com", "v=spf1 -all") // beside another it is discarded
	none(0, true, "v=TLSRPTv1 ; rua=mailto:a@example.com", "v=TLSRPTv1 ; rua=mailto:b@example.com")
	none(0, true, "v=TLSRPTv1\u00a0; rua=mailto:a@example.com")
	none(0, true, "\u00a0v=TLSRPTv1; rua=mailto:a@example.com")
	bad("RPT-14", "v=TLSRPTv1; rua = mailto:a@example.com") // blanks about the =
	bad("RPT-14", "v=TLSRPTv1; rua =mailto:a@example.com")
	bad("RPT-14", "v=TLSRPTv1; rua= mailto:a@example.com")
	bad("RPT-14", "v=TLSRPTv1; rua\u00a0= mailto:a@example.com")
	bad("RPT-14", "v=TLSRPTv1;\u00a0rua=mailto:a@example.com") // copied from a web page
	bad("RPT-14", "v=TLSRPTv1; rua=\u00a0mailto:a@example.com")
	bad("RPT-05", "v=TLSRPTv1; rua=mailto:a@example.com\u00a0")
	bad("mailto:a@example.com at example.com, RPT-05", "v=TLSRPTv1; rua=mailto:a@example.com,\u00a0mailto:b@example.com")
	bad("mailto:a@example.com at example.com, RPT-14", "v=TLSRPTv1; foo; rua=mailto:a@example.com") // a bad field before it
	bad("mailto:a@example.com at example.com, RPT-14", "v=TLSRPTv1; a = b; rua=mailto:a@example.com")
	bad("mailto:a@example.com at example.com, RPT-14", "v=TLSRPTv1;; rua=mailto:a@example.com")
	bad("mailto:a@example.com at example.com, RPT-14", "v=TLSRPTv1; rua=mailto:a@example.com;;")
	bad("mailto:a@example.com at example.com, RPT-14", "v=TLSRPTv1; rua=mailto:a@example.com; a=b=c")
	bad("RPT-05", "v=TLSRPTv1; rua=mailto:ä@example.com")
	bad("RPT-05", "v=TLSRPTv1; rua=mailto:a@exämple.com")
	bad("RPT-05", `v=TLSRPTv1; rua=mailto:"a b"@example.com`)
	bad("RPT-05", `v=TLSRPTv1; rua="mailto:a@example.com"`)
	bad("RPT-05", `v=TLSRPTv1; rua=mailto:<a@example.com>`)
	bad("RPT-05", `v=TLSRPTv1; rua=mailto:a%zz@example.com`)
	bad("RPT-05", `v=TLSRPTv1; rua=https://example.com/{x}`)
	bad("RPT-05", `v=TLSRPTv1; rua=https://example.com/a#b#c`)
	bad("RPT-04", `v=TLSRPTv1; rua=https://example.com/a[1]`)
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a@b@example.com")
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a@@example.com")
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a%40b@example.com") // decoded it has two
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a..b@example.com")
	bad("RPT-04", "v=TLSRPTv1; rua=mailto:a%20b@example.com")
	good("mailto:%22a%40b%22@example.com at example.com", "v=TLSRPTv1; rua=mailto:%22a%40b%22@example.com")
	good("mailto:%C3%A4@example.com at example.com", "v=TLSRPTv1; rua=mailto:%C3%A4@example.com")
	good("mailto:a@example.com?subject=x at example.com", "v=TLSRPTv1; rua=mailto:a@example.com?subject=x")
	none(0, true, "v=tlsrptv1; rua=mailto:a@example.com")   // other case
	none(0, true, `"v=TLSRPTv1; rua=mailto:a@example.com"`) // stray quotes
	none(0, true, "v=TLSRPTv2; rua=mailto:a@example.com")
	none(2, false, "v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:b@example.com")
}

func TestTargetsAreBounded(t *testing.T) {
	r := parse([]string{"v=TLSRPTv1; rua=" + strings.Repeat("mailto:a@example.com,", 100) + "mailto:a@example.com"})
	if len(r.targets) != maxTargets {
		t.Errorf("%d targets", len(r.targets))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1;rua=https://[::1]/,mailto:a!b", "v=TLSRPTv1;;rua=", "v=tlsrpt"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		r := parse([]string{report.Clean(txt, 2048)})
		for _, target := range r.targets {
			if target.Domain == "" || target.URI == "" || strings.ContainsAny(target.URI, ",;! ") {
				t.Errorf("%q gives %+v", txt, target)
			}
		}
		if r.count == 1 && len(r.targets) == 0 && len(r.faults) == 0 {
			t.Errorf("%q gives nothing and breaks nothing", txt)
		}
	})
}
