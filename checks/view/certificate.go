package view

import (
	"strings"

	"mxseal/checks/report"
)

// PKIX says how certificates verify: as the first that does not.
func PKIX(list []*report.Certificate) string {
	if len(list) == 0 {
		return "none seen"
	}
	for _, c := range list {
		switch c.PKIX {
		case report.PKIXOK:
		case report.PKIXSelfSigned:
			return string(c.PKIX)
		default:
			return strings.ReplaceAll(string(c.PKIX), "-", " ")
		}
	}
	return "valid"
}

// Certificate is a leaf and the chain that came with it.
func Certificate(c *report.Certificate) Fold {
	state := PKIX([]*report.Certificate{c})
	var facts Facts
	facts.Add("Names", Joined(c.Names))
	facts.Add("Issuer", c.Issuer)
	facts.Add("Valid", Day(c.NotBefore)+" to "+Day(c.NotAfter))
	facts.AddMore("Public trust", state, c.PKIXDetail)
	key := c.Key
	if c.Signature != "" {
		key += ", signed with " + c.Signature
	}
	facts.Add("Key", key)
	for _, d := range []Fact{{Label: "SHA-256 of the key", Text: c.SPKISHA256, Octets: true}, {Label: "SHA-256", Text: c.SHA256, Octets: true}} {
		if d.Text != "" {
			facts = append(facts, d)
		}
	}
	facts.Add("Seen by", string(c.Via))
	fold := Fold{Title: "Certificate " + c.Subject, Brief: state, Blocks: []Block{facts}}
	if len(c.Chain) > 0 {
		sent := List{Title: "Sent with it:"}
		for _, p := range c.Chain {
			sent.Items = append(sent.Items, Item{Text: p.Subject, More: "issued by " + p.Issuer + ", until " + Day(p.NotAfter)})
		}
		fold.Blocks = append(fold.Blocks, sent)
	}
	return fold
}
