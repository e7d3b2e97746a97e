package certificate

import (
	"slices"
	"strings"

	"mxseal/checks/report"
)

// vendors are words in the organisation of certificates that products ship with or make
// by default, lower case.
var vendors = []string{
	"snakeoil", "snake oil", "internet widgits", "default company ltd", "someorganization",
	"acme co", "plesk", "zimbra collaboration server", "synology", "qnap", "fortinet",
	"sonicwall", "exim", "courier mail server",
}

// placeholders are common names that no mail server on the internet has.
var placeholders = []string{"localhost", "localhost.localdomain", "ubuntu", "debian"}

// shipped reports whether a self-signed certificate looks like one that came with a product.
func shipped(c *report.Certificate) bool {
	if !c.SelfSigned {
		return false
	}
	for part := range strings.FieldsFuncSeq(strings.ToLower(c.Subject), func(r rune) bool { return r == ',' || r == '+' }) {
		attribute, value, _ := strings.Cut(part, "=")
		if attribute != "o" && attribute != "ou" {
			continue
		}
		if slices.ContainsFunc(vendors, func(word string) bool { return strings.Contains(value, word) }) {
			return true
		}
	}
	return slices.Contains(placeholders, strings.ToLower(c.CommonName))
}
