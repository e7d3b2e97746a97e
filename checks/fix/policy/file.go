package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"mxseal/checks/fix/place"
	"mxseal/checks/report"
)

// WhileTesting is how long senders are to remember a policy in mode testing, in seconds: short, so
// that a mistake is soon forgotten.
const WhileTesting = 86400

// File is the policy file for the mail servers of the domain.
func File(p place.Place, mode report.PolicyMode, age int64, text string) report.Step {
	lines := []string{"version: STSv1", "mode: " + string(mode)}
	for _, name := range Covered(p) {
		lines = append(lines, "mx: "+name)
	}
	lines = append(lines, fmt.Sprintf("max_age: %d", age))
	return report.Step{Who: report.Owner, Kind: report.StepFile, Where: "https://mta-sts.{domain}/.well-known/mta-sts.txt", Text: text, Code: strings.Join(lines, "\n")}
}

// Covered are the names that a policy has to hold: of every mail server the one in the MX record,
// and the one that is to take its place where that is an alias.
func Covered(p place.Place) []string {
	var list []string
	add := func(name string) {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if _, err := netip.ParseAddr(name); err != nil && hostName.MatchString(name) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, h := range p.Report.Hosts {
		if h.NotTested == report.NotTestedNoAddress {
			continue
		}
		for _, name := range place.Names(h, p.Report.Domain) {
			add(name)
		}
		for _, f := range p.Report.Findings {
			if p.Rules[f.Rule].Way == report.NameTarget && f.Host == h.Name {
				add(f.Params["target"])
			}
		}
	}
	return list
}

// hostName is what may stand behind mx: (RFC 8461 §3.2): no underscore, no address.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// ID is the TXT record with an id that follows from the time.
func ID(p place.Place, at time.Time, text string) report.Step {
	id := at.UTC().Format("20060102T1504")
	if p.Report.MTASTS != nil && p.Report.MTASTS.ID == id {
		id += "b"
	}
	return report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Replace, Where: "zone of {domain}", Text: text,
		Code: `_mta-sts.{domain}. IN TXT "v=STSv1; id=` + id + `"`}
}
