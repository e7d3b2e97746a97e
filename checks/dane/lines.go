package dane

import (
	"cmp"
	"fmt"
	"slices"

	"mxseal/checks/report"
)

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
