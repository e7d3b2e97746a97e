package checks_test

import (
	"testing"
	"testing/synctest"

	"mxseal/checks/lab"
)

// A sender that checks DANE names the TLSA base domain, so where that is not the host's name
// each address is asked once more, for its certificates alone: two connections. Where the
// names are one, nothing more is asked.
func TestTheNameOfTheRecordsIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, e := world(t, lab.Options{}, nil)
		r := scan(t, e, "cname-sni.test")
		a := r.Hosts[0].Addresses[0]
		if a.AsBase == nil || a.AsBase.ServerName != "real.cname-sni.test" || len(a.AsBase.Certificates) != 1 {
			t.Fatalf("as the TLSA base domain: %+v", a.AsBase)
		}
		if n := a.AsBase.Connections; n != 2 {
			t.Errorf("%d connections under the second name, want 2", n)
		}
		if a.Named()[0].SHA256 == a.AsBase.Certificates[0].SHA256 {
			t.Error("the server shows both names one certificate")
		}
		if r.Connections != a.Connections+a.AsBase.Connections {
			t.Errorf("%d connections in all, %d and %d at the address", r.Connections, a.Connections, a.AsBase.Connections)
		}
		for _, name := range []string{"dane.test", "perfect.test", "certificate.test"} {
			for _, h := range scan(t, e, name).Hosts {
				for _, a := range h.Addresses {
					if a.AsBase != nil {
						t.Errorf("%s: %s is asked under another name", name, h.Name)
					}
				}
			}
		}
	})
}
