package view

import (
	"strings"
	"testing"

	"mxseal/checks/records"
	"mxseal/checks/report"
)

func TestForms(t *testing.T) {
	for _, c := range []struct {
		why, do, code string
		want          []string // names of the tools
		nsupdate      string
	}{
		{"a record more", "add", "_25._tcp.mx.example.net. IN TLSA 3 1 1 " + strings.Repeat("ab", 32),
			[]string{"nsupdate", "DNSControl", "OctoDNS", "Terraform"},
			"update add _25._tcp.mx.example.net. 3600 IN TLSA 3 1 1 " + strings.Repeat("ab", 32) + "\nsend\n"},
		{"one in place of all", "replace", `_mta-sts.example.net. IN TXT "v=STSv1; id=2;"`,
			[]string{"nsupdate", "DNSControl", "OctoDNS", "Terraform"},
			"update delete _mta-sts.example.net. TXT\nupdate add _mta-sts.example.net. 3600 IN TXT \"v=STSv1; id=2;\"\nsend\n"},
		{"one less", "delete", "example.net. IN MX 20 mx2.example.net.",
			[]string{"nsupdate"}, "update delete example.net. MX 20 mx2.example.net.\nsend\n"},
		{"a gap to fill in", "add", "_25._tcp.mx.example.net. IN TLSA 3 1 1 <digest>", nil, ""},
		{"a word for nothing that is done", "", "example.net. IN MX 20 mx2.example.net.", nil, ""},
	} {
		forms := Forms(report.Step{Kind: "dns", Do: report.Do(c.do), Code: c.code})
		var names []string
		for _, f := range forms {
			names = append(names, f.Name)
			if f.Name == "nsupdate" && f.Text != c.nsupdate {
				t.Errorf("%s: %q, want %q", c.why, f.Text, c.nsupdate)
			}
		}
		if strings.Join(names, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: %q, want %q", c.why, names, c.want)
		}
	}
	if got := Forms(report.Step{Kind: "config", Do: "add", Code: "example.net. IN MX 20 mx2.example.net."}); got != nil {
		t.Errorf("lines of a configuration have the forms %v", got)
	}
}

// Every syntax but the one of the step itself has a name.
func TestEveryToolHasAName(t *testing.T) {
	for _, s := range records.Syntaxes {
		if (toolNames[s] == "") != (s == records.Zone) {
			t.Errorf("%s is called %q", s, toolNames[s])
		}
	}
}
