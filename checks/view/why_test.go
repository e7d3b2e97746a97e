package view

import (
	"testing"

	"mxseal/checks/grade"
	"mxseal/checks/report"
)

// Every cell that the grade can give has its sentence.
func TestEveryCellSaysWhy(t *testing.T) {
	states := []report.State{report.Secure, report.Insecure, report.Bogus}
	missing := make(map[string]bool)
	for _, mxdns := range states {
		for _, addr := range states {
			for _, tlsa := range []grade.TLSA{grade.NoTLSA, grade.Match, grade.Mismatch, grade.Unusable, grade.LookupFail} {
				for _, tls := range []grade.TLS{grade.TLSOK, grade.TLSLegacy, grade.TLSNo} {
					for _, sts := range []grade.STS{grade.Absent, grade.Enforce} {
						for bits := range 32 {
							f := grade.Facts{MXDNS: mxdns, STS: sts, STSLong: bits&16 != 0, Hosts: []grade.HostFacts{{Reach: true, Addr: addr, TLSA: tlsa, TLS: tls,
								Forced: bits&1 != 0, PKIX: bits&2 != 0, STS: bits&4 != 0, RTLS: bits&8 != 0}}}
							page := Report{Report: &report.Report{Conclusions: report.Conclusions{Matrix: grade.OfFacts(f).Matrix}}}
							for _, row := range page.Rows() {
								for _, c := range row.Cells {
									if c.Why == "" {
										missing[row.ID+" "+c.Attacker.ID+" "+string(c.Outcome)] = true
									}
								}
							}
						}
					}
				}
			}
		}
	}
	for cell := range missing {
		t.Errorf("no sentence for %s", cell)
	}
}
