package server

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/fix/place"
	"mxseal/checks/fix/software"
	"mxseal/checks/report"
)

// undelivered is what happens to mail that a broken promise keeps waiting.
const undelivered = "Until then senders that check keep the mail and return it after some days. Their TLS reports name the reason."

// Base is the name at whose _25._tcp the host's TLSA records stand (RFC 7672 §2.2.3).
func Base(h *report.Host) string {
	if place.Plain(h.TLSA.Base) {
		return h.TLSA.Base
	}
	return h.Name
}

// Digests lists the keys that the host serves to senders that check DANE, each once.
func Digests(h *report.Host) []string {
	var list []string
	for _, a := range h.Addresses {
		for _, c := range a.ToDANE() {
			if c.SPKISHA256 != "" && !slices.Contains(list, c.SPKISHA256) {
				list = append(list, c.SPKISHA256)
			}
		}
	}
	return list
}

// twice is two times the TTL of the host's TLSA records, in words: after that no cache holds
// what was there before (RFC 7671 §8.1).
func twice(h *report.Host) string {
	switch seconds := 2 * int(h.TLSA.TTL); {
	case seconds == 0:
		return "two times the TTL of the records"
	case seconds < 120*60:
		return plural((seconds+59)/60, "minute") + ", two times the TTL"
	default:
		return plural((seconds+3599)/3600, "hour") + ", two times the TTL"
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// digestCommand prints the digest of a key for a record 3 1 1 (RFC 6698 §2.1).
const digestCommand = "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"

// PublishKey are the steps to TLSA records for the key that is served and for the next one.
func PublishKey(p place.Place) []report.Step {
	h := p.Host
	if h == nil {
		return p.AsSaid()
	}
	name := "_25._tcp." + Base(h)
	var steps []report.Step
	if h.Base() == report.Insecure {
		steps = append(steps, report.Step{Who: report.Owner, Kind: report.StepTask, Text: "Sign " + p.Zone() + " first: senders look for TLSA records only at signed names."})
	}
	file := software.CertificateFile(h.Name)
	steps = append(steps, report.Step{Who: report.Operator, Kind: report.StepTask, Where: "the mail server",
		Text: "First see that a renewal of the certificate keeps its key (certbot: --reuse-key): the record holds for as long as the key does.",
		Risk: "A key that changes without its digest being published first stops the mail of every sender that checks DANE."})
	lines := make([]string, 0, 1)
	for _, digest := range Digests(h) {
		lines = append(lines, name+". IN TLSA 3 1 1 "+digest)
	}
	if len(lines) == 0 {
		steps = append(steps, report.Step{Who: report.Operator, Kind: report.StepCommand, Where: "a shell on {host}",
			Text: "No certificate was seen. Compute the digest of the key that the server is to use.", Code: fmt.Sprintf(digestCommand, file)})
		lines = append(lines, name+". IN TLSA 3 1 1 <digest>")
	} else {
		steps = append(steps, report.Step{Who: report.Operator, Kind: report.StepCommand, Where: "a shell on the mail server", Code: fmt.Sprintf(digestCommand, file),
			Text: "The digest below belongs to the key that we saw over the network, where there may be an attacker. Print the digest of the server's own certificate (the file is where certbot keeps it; use yours). Go on only if it is the same."})
	}
	publish := report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Add, Where: "zone of " + Base(h), Code: strings.Join(lines, "\n"),
		Text: "Publish the digest of the key that is being served.", Wait: twice(h) + ", until every cache has the record"}
	if published := stale(h); len(published) > 0 {
		publish.Text += " Leave the old records for now."
		publish.Wait = twice(h) + ", until nobody remembers the old records alone"
		publish.Risk = undelivered
		steps = append(steps, publish, report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + Base(h), Code: strings.Join(published, "\n"),
			Text: "Then delete the records that fit nothing, unless one of them is for the next key."})
	} else {
		steps = append(steps, publish)
	}
	return append(steps, report.Step{Who: report.Operator, Kind: report.StepCommand, Where: "a shell on the mail server", Code: fmt.Sprintf(digestCommand, "next.pem"),
		Text: "Before every change of the key publish a second record with the digest of the next one.",
		Wait: twice(h) + ", before the server begins to use the new key",
		Risk: "A key that was not published first stops the mail of every sender that checks DANE."})
}

// stale are the published records that fit no certificate served.
func stale(h *report.Host) []string {
	var lines []string
	for _, t := range h.TLSA.Records {
		if len(t.Matches) == 0 {
			lines = append(lines, record(h, t))
		}
	}
	return lines
}

func record(h *report.Host, t report.TLSARecord) string {
	return fmt.Sprintf("_25._tcp.%s. IN TLSA %d %d %d %s", Base(h), t.Usage, t.Selector, t.Matching, t.Data)
}

// DropUnfit deletes the records of every kind of which none fits: a sender that knows only
// that kind keeps the mail (RFC 7671 §8.4).
func DropUnfit(p place.Place) []report.Step {
	if p.Host == nil {
		return p.AsSaid()
	}
	type kind struct{ usage, selector, matching uint8 }
	fits := make(map[kind]bool)
	for _, t := range p.Host.TLSA.Records {
		k := kind{t.Usage, t.Selector, t.Matching}
		fits[k] = fits[k] || len(t.Matches) > 0
	}
	var lines []string
	for _, t := range p.Host.TLSA.Records {
		if t.Usable && !fits[kind{t.Usage, t.Selector, t.Matching}] {
			lines = append(lines, record(p.Host, t))
		}
	}
	if len(lines) == 0 {
		return PublishKey(p)
	}
	return []report.Step{{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + Base(p.Host), Code: strings.Join(lines, "\n"),
		Text: "Delete these records: no record of their kind fits the certificate in use, and the other records do.", Risk: "Nothing, as long as a record that fits stays."}}
}

// KeyNotCertificate publishes the key in place of a certificate that will be renewed: the record of the
// key first, and only when every cache has it the other goes.
func KeyNotCertificate(p place.Place) []report.Step {
	if p.Host == nil {
		return PublishKey(p)
	}
	steps := PublishKey(p)
	var lines []string
	for _, t := range p.Host.TLSA.Records {
		if t.Usage == 3 && t.Selector == 0 {
			lines = append(lines, record(p.Host, t))
		}
	}
	if len(lines) == 0 {
		return steps
	}
	old := report.Step{Who: report.Owner, Kind: report.StepDNS, Do: report.Delete, Where: "zone of " + Base(p.Host), Code: strings.Join(lines, "\n"),
		Text: "Then delete the records of the certificate. They have to be gone before it is renewed.", Risk: "Nothing, as long as the record 3 1 1 fits. Put them back if it does not."}
	last := len(steps) - 1 // what is said of the next key stays the last
	return append(steps[:last:last], old, steps[last])
}

// ReplaceAlias puts the record itself in the place of an alias that leads to none that counts.
func ReplaceAlias(p place.Place) []report.Step {
	steps := PublishKey(p)
	for i := range steps {
		if steps[i].Do == report.Add {
			steps[i].Do = report.Replace
			steps[i].Text += " It replaces the alias, which has to go: no other record can exist beside a CNAME."
		}
	}
	return steps
}

// Answer has the name servers answer for TLSA records.
func Answer(p place.Place) []report.Step {
	name, trust := "{host}", report.Trust{}
	if p.Host != nil {
		name, trust = Base(p.Host), p.Host.DNSSEC
	}
	zone := lowest(trust, name)
	return []report.Step{
		{Who: report.Owner, Kind: report.StepCommand, Where: "a shell; the name servers of " + zone,
			Code: "dig +short " + zone + " NS | while read -r server; do\n\techo \"== $server\"\n\tdig +norecurse +dnssec +noall +comments +answer +authority @\"$server\" _25._tcp." + name + " TLSA\ndone",
			Text: "Ask each name server by itself, and find the one that gives no signed answer here: with the records, or with a denial. Load balancers and old signers often fail at names that begin with an underscore; update them or move the zone.",
			Risk: undelivered},
		{Who: report.Owner, Kind: report.StepCommand, Code: "mxseal dns _25._tcp." + name + " TLSA", Text: "See that the answer is now secure."},
	}
}

// lowest is the zone in which the name stands, as far as the chain of trust shows; name if it does not.
func lowest(t report.Trust, name string) string {
	for _, link := range slices.Backward(t.Chain) {
		if zone := strings.TrimSuffix(link.Zone, "."); place.Plain(zone) && strings.HasSuffix("."+name, "."+zone) {
			return zone
		}
	}
	return name
}
