package dane

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"mxseal/checks/report"
)

// Judge says which rules apply to the published keys and how they fit.
func Judge(r report.Observed) []report.Finding {
	j := report.NewJudgement(ID, Rules)
	for _, h := range r.Hosts {
		if h.NotTested == "" && len(h.Addresses) > 0 {
			judgeHost(j, r, h)
		}
	}
	judgeTogether(j, r)
	j.Unanswered("DAN-52", r, rests(r))
	return j.Findings()
}

func judgeHost(j *report.Judgement, r report.Observed, h *report.Host) {
	t := h.TLSA
	switch {
	case t.DNSSEC == nil && h.Base() == report.Insecure:
		j.Add("DAN-02").At(h.Name, "")
	case t.DNSSEC == nil: // the addresses could not be believed, or nobody asked
	case t.State == "none" && len(t.DNSSEC.Steps) > 0:
		judgeAlias(j, h)
	case t.State == "none":
		j.Add("DAN-03").At(h.Name, "").With("record", advice(h)).Showing(ready(h)...)
	case t.State == "insecure":
		j.Add("DAN-04").At(h.Name, "").With("base", t.Base).Showing(published(t)...)
	case t.State == "lookupfail":
		f := j.Add("DAN-05").At(h.Name, "").With("base", t.Base).With("reason", reasonOf(t))
		for _, s := range t.DNSSEC.Steps {
			f.Showing(s.Name + " is an alias of " + s.Target)
		}
	case unsure(t):
		j.Add("DAN-42").At(h.Name, "").With("base", t.Base).With("reason", reasonOf(t))
	default:
		judgeRecords(j, h)
		judgeService(j, h)
		judgeFit(j, r, h)
	}
}

// rests says what rests on the answer to a question of the check. Of the names at which senders
// look DAN-05 and DAN-42 speak.
func rests(r report.Observed) func(report.Question) report.Rest {
	return func(q report.Question) report.Rest {
		for _, h := range r.Hosts {
			if slices.Contains(candidates(h), strings.TrimPrefix(q.Name, "_25._tcp.")) {
				return report.Rest{}
			}
		}
		return report.Rest{Rules: []string{"DAN-31"}, What: "whether TLSA records stand where no sender looks"}
	}
}

// judgeAlias judges an alias in the place of TLSA records that leads to none. A record of its
// own cannot stand beside it (RFC 1034 §3.6.2).
func judgeAlias(j *report.Judgement, h *report.Host) {
	steps := h.TLSA.DNSSEC.Steps
	at, target := strings.TrimSuffix(steps[0].Name, "."), strings.TrimSuffix(steps[len(steps)-1].Target, ".")
	id, line := "DAN-46", advice(h)
	if h.TLSA.DNSSEC.State != report.Secure {
		id = "DAN-45"
	}
	f := j.Add(id).At(h.Name, "").With("alias", at).With("target", target).With("record", line).With("dot", "").Showing(ready(h)...)
	for _, s := range steps {
		f.Showing(s.Name + " is an alias of " + s.Target)
	}
	for zone := strings.TrimSuffix(steps[len(steps)-1].Name, "."); strings.Contains(zone, "."); {
		_, zone, _ = strings.Cut(zone, ".")
		if head, within := strings.CutSuffix(target, "."+zone); within && strings.Contains(zone, ".") && outside(head, zone) {
			f.With("dot", " In its name that of the zone stands behind another name: perhaps the final dot is missing behind "+head+".")
			break
		}
	}
}

// outside reports whether a name looks complete without the zone behind it: it ends in that
// very zone, or in a public top-level domain.
func outside(head, zone string) bool {
	suffix, icann := publicsuffix.PublicSuffix(head)
	return head == zone || strings.HasSuffix(head, "."+zone) || icann && strings.Count(head, ".") > strings.Count(suffix, ".")
}

// unsure reports whether the question for the records failed here without anybody else to
// show the fault.
func unsure(t report.TLSA) bool {
	return t.State == "untested" && t.DNSSEC != nil && t.DNSSEC.State == report.Indeterminate
}

// reasonOf says why the question for the records failed.
func reasonOf(t report.TLSA) string {
	switch {
	case t.Failure != nil:
		return t.Failure.Text
	case t.DNSSEC.Detail != "":
		return t.DNSSEC.Detail
	case t.DNSSEC.Contested():
		return "Our resolver got no answer, and part of the name servers give none either."
	}
	return "The look-up failed."
}

// judgeRecords judges the RRset by itself.
func judgeRecords(j *report.Judgement, h *report.Host) {
	t := h.TLSA
	var pkixUsage, malformed, whole, faults []string
	digests := make(map[uint8]bool)
	for _, r := range t.Records {
		line := presentation(r)
		switch {
		case r.Unusable == "pkix-usage":
			pkixUsage = append(pkixUsage, line)
		case !r.Usable && r.Unusable != "weak-key":
			malformed = append(malformed, line)
			if why := words[r.Unusable]; !slices.Contains(faults, why) {
				faults = append(faults, why)
			}
		case r.Matching == 0:
			whole = append(whole, line)
		}
		if r.Usable {
			digests[r.Matching] = true
		}
	}
	if len(pkixUsage) > 0 {
		j.Add("DAN-06").At(h.Name, "").Showing(pkixUsage...)
	}
	if len(malformed) > 0 {
		j.Add("DAN-07").At(h.Name, "").With("reason", strings.Join(faults, ", ")).With("record", advice(h)).Showing(malformed...)
	}
	if t.State == "unusable" {
		j.Add("DAN-08").At(h.Name, "").With("record", advice(h)).Showing(published(t)...)
	}
	if digests[2] && !digests[1] && !digests[0] {
		j.Add("DAN-16").At(h.Name, "").With("record", advice(h))
	}
	if len(whole) > 0 {
		j.Add("DAN-17").At(h.Name, "").With("record", advice(h)).Showing(whole...)
	}
	if len(t.DNSSEC.Steps) > 0 {
		j.Add("DAN-29").At(h.Name, "")
	}
	if t.TTL > 86400 {
		j.Add("DAN-33").At(h.Name, "").With("hours", t.TTL/3600).With("base", t.Base)
	}
	if t.Size > 1232 {
		j.Add("DAN-34").At(h.Name, "").With("size", t.Size)
	}
}

// words says what is wrong with a record.
var words = map[string]string{
	"unknown-usage":    "the usage is unknown",
	"unknown-selector": "the selector is unknown",
	"unknown-matching": "the matching type is unknown",
	"length":           "the digest does not have the length of its kind",
	"undecodable":      "the data are neither a certificate nor a key",
}

// noTLS are the outcomes of a look after which a sender has no TLS.
var noTLS = []string{"not-offered", "refused", "handshake-failed"}

// judgeBase judges whether an address does TLS with those who ask for the TLSA base domain,
// where that is not the host's name.
func judgeBase(j *report.Judgement, h *report.Host, a *report.Address) {
	base := a.AsBase
	switch {
	case len(base.Certificates) > 0:
	case slices.Contains(noTLS, base.STARTTLS):
		if a.SMTP.STARTTLS != "ok" {
			return // DAN-27 says it of every name
		}
		f := j.Add("DAN-50").At(h.Name, a.IP).With("base", base.ServerName)
		for _, r := range base.Ladder {
			f.Showing(r.Hello + ": " + r.Error)
		}
	default:
		why := "The server showed none."
		if base.Failure != nil {
			why = base.Failure.Text
		}
		j.Add("DAN-51").At(h.Name, a.IP).With("base", base.ServerName).With("why", why)
	}
}

// judgeService judges the promise that TLS works.
func judgeService(j *report.Judgement, h *report.Host) {
	for _, a := range h.Addresses {
		if !h.Believes(a.IP) {
			continue
		}
		if a.AsBase != nil {
			judgeBase(j, h, a)
		}
		if a.SMTP == nil || !slices.Contains(noTLS, a.SMTP.STARTTLS) || a.AsBase != nil && a.AsBase.STARTTLS == "ok" {
			continue
		}
		f := j.Add("DAN-27").At(h.Name, a.IP)
		if h.TLSA.State != "unusable" {
			// No certificate can be compared here. A sender that checks DANE waits whether the
			// key would match or not; once TLS works again the records are to count.
			f.Setting("M.tlsa=match")
		} else {
			f.Repairing()
		}
		if a.SMTP.Reply != "" {
			f.Showing(a.SMTP.Reply)
		}
	}
}

// judgeFit holds the records against the certificates of every address.
func judgeFit(j *report.Judgement, r report.Observed, h *report.Host) {
	sights := examine(r, h, (*report.Address).ToDANE)
	if h.TLSA.State == "unusable" || len(sights) == 0 {
		return
	}
	inForce := strongest(h.TLSA.Records)
	fits := true
	for _, a := range h.Addresses {
		var here, unmatched []sight
		for _, s := range sights {
			if s.address != a.IP {
				continue
			}
			here = append(here, s)
			if !s.matched(inForce) {
				unmatched = append(unmatched, s)
			}
		}
		switch {
		case len(here) == 0:
			continue
		case len(unmatched) == 0 && further(a):
			fits = false
			j.Add("DAN-38").At(h.Name, a.IP).With("why", fmt.Sprintf("The server shows more certificates than it keeps, %d of them unseen.", a.TLS.FurtherChains)).Showing(compared(h.TLSA, here)...)
		case len(unmatched) == 0:
			j.Add("DAN-09").At(h.Name, a.IP).Showing(compared(h.TLSA, here)...)
			judgeDates(j, r, h, here)
			judgeWays(j, r, h, here)
		case !slices.ContainsFunc(unmatched, func(s sight) bool { return !s.open(h.TLSA) }):
			fits = false
			j.Add("DAN-38").At(h.Name, a.IP).With("why", unseen(h.TLSA, unmatched)).Showing(compared(h.TLSA, here)...)
		case len(unmatched) < len(here):
			fits = false
			j.Add("DAN-28").At(h.Name, a.IP).With("unmatched", "the "+unmatched[0].cert.Key+" certificate").
				With("record", line(h, unmatched[0].cert)).Showing(compared(h.TLSA, here)...)
		default:
			fits = false
			judgeMismatch(j, r, h, a, here)
		}
		judgeAgility(j, h, here)
	}
	if fits {
		judgeKinds(j, h, sights)
	}
	judgeUsages(j, h, sights)
}

// judgeMismatch judges an address that serves nothing that fits. DAN-10 carries the fact;
// the others say more closely what is wrong.
func judgeMismatch(j *report.Judgement, r report.Observed, h *report.Host, a *report.Address, here []sight) {
	j.Add("DAN-10").At(h.Name, a.IP).With("record", line(h, here[0].cert)).Showing(compared(h.TLSA, here)...)
	if slices.ContainsFunc(here, func(s sight) bool { return slices.Contains(s.why, absent) }) {
		j.Add("DAN-13").At(h.Name, a.IP).With("record", line(h, here[0].cert))
	}
	judgeBelow(j, h, a, here)
	inForce := strongest(h.TLSA.Records)
	for _, s := range examine(r, h, toOthers) {
		if s.address == a.IP && s.matched(inForce) {
			j.Add("DAN-32").At(h.Name, a.IP).With("base", baseOf(h)).Showing(served(s.cert))
			break
		}
	}
}

// toOthers is what an address presents to those who do not check DANE.
func toOthers(a *report.Address) []*report.Certificate {
	if a.AsBase != nil {
		return a.Certificates
	}
	return a.Unnamed()
}

// judgeDates notes what DANE-EE lets pass and others do not.
func judgeDates(j *report.Judgement, r report.Observed, h *report.Host, here []sight) {
	for _, s := range here {
		if !slices.ContainsFunc(indexes(h.TLSA.Records, s), func(i int) bool { return h.TLSA.Records[i].Usage == 3 }) {
			continue
		}
		fault := ""
		switch {
		case s.cert.NotAfter.IsZero(): // it could not be read, which CRT-01 says
		case s.cert.NotAfter.Before(r.CheckedAt):
			fault = "out of date since " + s.cert.NotAfter.Format(time.DateOnly)
		case s.cert.NotBefore.After(r.CheckedAt):
			fault = "not valid yet"
		case s.cert.Kept() && !s.cert.NameMatch:
			fault = "for another name"
		}
		if fault != "" {
			j.Add("DAN-35").At(h.Name, s.address).With("fault", fault)
			return
		}
	}
}

// indexes returns which records match what was seen.
func indexes(records []report.TLSARecord, s sight) []int {
	var all []int
	for i := range records {
		if s.why[i] == "" {
			all = append(all, i)
		}
	}
	return all
}

// judgeTogether compares the hosts with each other and with the domain.
func judgeTogether(j *report.Judgement, r report.Observed) {
	var having, without, lines []string
	matching := false
	for _, h := range r.Hosts {
		if !slices.ContainsFunc(h.Addresses, func(a *report.Address) bool { return a.Reachable }) {
			continue
		}
		if unsure(h.TLSA) {
			continue
		}
		switch h.TLSA.State {
		case "match", "mismatch", "unusable", "untested":
			having = append(having, h.Name)
			matching = matching || h.TLSA.State == "match"
		case "none", "insecure":
			without = append(without, h.Name)
		default:
			continue
		}
		lines = append(lines, h.Name+": "+h.TLSA.State)
	}
	if len(having) > 0 && len(without) > 0 {
		j.Add("DAN-25").With("without", strings.Join(without, ", ")).Showing(lines...)
	}
	if matching && r.MX != nil && r.MX.DNSSEC.State == report.Insecure {
		j.Add("DAN-26")
	}
	for _, name := range r.MisplacedTLSA {
		if len(r.Hosts) > 0 && !slices.ContainsFunc(r.Hosts, func(h *report.Host) bool { return name == "_25._tcp."+h.Name }) {
			j.Add("DAN-31").With("name", name).With("mx", r.Hosts[0].Name).
				With("why", r.Domain+" has MX records, so the keys are looked for at the names of those servers.")
		}
	}
	for _, h := range r.Hosts {
		for _, name := range h.TLSA.Misplaced {
			f := j.Add("DAN-31").At(h.Name, "").With("name", name).With("mx", h.Name).
				With("why", "Mail servers deliver to port 25 and look at _25._tcp."+h.Name+", where there are none. Records for ports 465 and 587 serve people who hand in mail.")
			host, plain := strings.CutPrefix(name, "_25._tcp.")
			switch {
			case plain && strings.HasPrefix(host, h.Name+"."):
				f.With("why", "The name of its zone stands twice in it: in a zone file the final dot is missing behind _25._tcp."+h.Name+".")
			case plain:
				f.With("why", h.Name+" is an alias. Senders look at the name at its end where every step and the addresses are signed, and at the alias itself, never between.")
			}
		}
	}
}

// line is the record to publish for a certificate, in zone-file form.
func line(h *report.Host, c *report.Certificate) string {
	digest := "<SHA-256 of the server's public key>"
	if c != nil && c.SPKISHA256 != "" {
		digest = c.SPKISHA256
	}
	return fmt.Sprintf("_25._tcp.%s. IN TLSA 3 1 1 %s", baseOf(h), digest)
}

// baseOf is the TLSA base domain of a host.
func baseOf(h *report.Host) string { return cmp.Or(h.TLSA.Base, h.Name) }

// ready returns the records to publish for everything that the host serves, each once.
func ready(h *report.Host) []string {
	var lines []string
	for _, a := range h.Addresses {
		for _, c := range a.ToDANE() {
			if l := line(h, c); c.SPKISHA256 != "" && !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// advice is the first of them, or one to be filled in where no certificate was seen.
func advice(h *report.Host) string {
	if lines := ready(h); len(lines) > 0 {
		return lines[0]
	}
	return line(h, nil)
}

func published(t report.TLSA) []string {
	var lines []string
	for _, r := range t.Records[:min(len(t.Records), maxLines)] {
		lines = append(lines, "published: "+presentation(r))
	}
	if more := len(t.Records) - len(lines) + t.Omitted; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

func served(c *report.Certificate) string {
	return fmt.Sprintf("served: 3 1 1 %s (%s)", c.SPKISHA256, c.Key)
}

// maxLines bounds the records that are shown of one certificate.
const maxLines = 16

// compared lays what is published beside what is served, with the reason where it does not fit.
// Of a long list what fits comes first, and the rest is only counted.
func compared(t report.TLSA, here []sight) []string {
	var lines []string
	for _, s := range here {
		var records, misfits []string
		for i, r := range t.Records {
			switch line := "published: " + presentation(r) + ": "; {
			case s.why[i] == "":
				records = append(records, line+"fits")
			case len(t.Records) > maxLines:
				misfits = append(misfits, line+s.why[i])
			default:
				records = append(records, line+s.why[i])
			}
		}
		records = append(records, misfits...)
		shown := min(len(records), maxLines)
		lines = append(append(lines, served(s.cert)), records[:shown]...)
		if more := len(records) - shown + t.Omitted; more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", more))
		}
	}
	return lines
}
