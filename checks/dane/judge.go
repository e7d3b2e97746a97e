package dane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mxseal/checks/report"
)

// Judge says which rules apply to the published keys and how they fit.
func Judge(r *report.Report) []report.Finding {
	j := report.NewJudgement("dane", Rules)
	for _, h := range r.Hosts {
		if h.NotTested == "" && len(h.Addresses) > 0 {
			judgeHost(j, r, h)
		}
	}
	judgeTogether(j, r)
	return j.Findings()
}

func judgeHost(j *report.Judgement, r *report.Report, h *report.Host) {
	t := h.TLSA
	switch {
	case t.DNSSEC == nil && h.DNSSEC.State == report.Insecure:
		j.Add("DAN-02").At(h.Name, "")
	case t.DNSSEC == nil: // the addresses could not be believed, or nobody asked
	case t.State == "none":
		j.Add("DAN-03").At(h.Name, "").With("record", advice(h)).Showing(ready(h)...)
	case t.State == "insecure":
		j.Add("DAN-04").At(h.Name, "").With("base", t.Base).Showing(published(t)...)
	case t.State == "lookupfail":
		j.Add("DAN-05").At(h.Name, "").With("base", t.Base).With("reason", reasonOf(t))
	case unsure(t):
		j.Add("DAN-42").At(h.Name, "").With("base", t.Base).With("reason", reasonOf(t))
	default:
		judgeRecords(j, h)
		judgeService(j, h)
		judgeFit(j, r, h)
	}
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
		return "Our resolver gets no answer, and neither does whoever asks the wrong one of the name servers."
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

// judgeService judges the promise that TLS works.
func judgeService(j *report.Judgement, h *report.Host) {
	for _, a := range h.Addresses {
		if a.SMTP == nil || !slices.Contains([]string{"not-offered", "refused", "handshake-failed"}, a.SMTP.STARTTLS) {
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
func judgeFit(j *report.Judgement, r *report.Report, h *report.Host) {
	sights := examine(h, r.Domain, r.CheckedAt, named)
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
		case len(unmatched) == 0:
			j.Add("DAN-09").At(h.Name, a.IP).Showing(compared(h.TLSA, here)...)
			judgeDates(j, r, h, here)
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
func judgeMismatch(j *report.Judgement, r *report.Report, h *report.Host, a *report.Address, here []sight) {
	j.Add("DAN-10").At(h.Name, a.IP).With("record", line(h, here[0].cert)).Showing(compared(h.TLSA, here)...)
	if slices.ContainsFunc(here, func(s sight) bool { return slices.Contains(s.why, absent) }) {
		j.Add("DAN-13").At(h.Name, a.IP).With("record", line(h, here[0].cert))
	}
	inForce := strongest(h.TLSA.Records)
	for _, s := range examine(h, r.Domain, r.CheckedAt, unnamed) {
		if s.address == a.IP && s.matched(inForce) {
			j.Add("DAN-32").At(h.Name, a.IP).Showing(served(s.cert))
			break
		}
	}
}

// judgeDates notes what DANE-EE lets pass and others do not.
func judgeDates(j *report.Judgement, r *report.Report, h *report.Host, here []sight) {
	for _, s := range here {
		if !slices.ContainsFunc(indexes(h.TLSA.Records, s), func(i int) bool { return h.TLSA.Records[i].Usage == 3 }) {
			continue
		}
		fault := ""
		switch {
		case s.cert.NotAfter.Before(r.CheckedAt):
			fault = "out of date since " + s.cert.NotAfter.Format(time.DateOnly)
		case s.cert.NotBefore.After(r.CheckedAt):
			fault = "not valid yet"
		case !s.cert.NameMatch:
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
func judgeTogether(j *report.Judgement, r *report.Report) {
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
			j.Add("DAN-31").At(h.Name, "").With("name", name).With("mx", h.Name).
				With("why", "Mail servers deliver to port 25 and look at _25._tcp."+h.Name+", where there are none. Records for ports 465 and 587 serve people who hand in mail.")
		}
	}
}

// line is the record to publish for a certificate, in zone-file form.
func line(h *report.Host, c *report.Certificate) string {
	base := h.TLSA.Base
	if base == "" {
		base = h.Name
	}
	digest := "<SHA-256 of the server's public key>"
	if c != nil && c.SPKISHA256 != "" {
		digest = c.SPKISHA256
	}
	return fmt.Sprintf("_25._tcp.%s. IN TLSA 3 1 1 %s", base, digest)
}

// ready returns the records to publish for everything that the host serves, each once.
func ready(h *report.Host) []string {
	var lines []string
	for _, a := range h.Addresses {
		for _, c := range a.Certificates {
			if l := line(h, c); named(c) && c.SPKISHA256 != "" && !slices.Contains(lines, l) {
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
	for _, r := range t.Records {
		lines = append(lines, "published: "+presentation(r))
	}
	return lines
}

func served(c *report.Certificate) string {
	return fmt.Sprintf("served: 3 1 1 %s (%s)", c.SPKISHA256, c.Key)
}

// compared lays what is published beside what is served, with the reason where it does not fit.
func compared(t report.TLSA, here []sight) []string {
	var lines []string
	for _, s := range here {
		lines = append(lines, served(s.cert))
		for i, r := range t.Records {
			why := s.why[i]
			if why == "" {
				why = "fits"
			}
			lines = append(lines, "published: "+presentation(r)+": "+why)
		}
	}
	return lines
}
