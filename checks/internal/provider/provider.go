// Package provider knows the companies that run mail and DNS for others, and what the servers that
// people send from check. Both tables are files beside this one that can be corrected without a
// knowledge of Go: providers.json and senders.json. README.md says what their fields mean.
package provider

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Provider is a company that receives mail for others, or serves their DNS.
type Provider struct {
	Domain string   `json:"domain"` // its mail servers stand below it; empty where it only serves DNS
	NS     []string `json:"ns,omitempty"`
	Name   string   `json:"name"`
	Panel  string   `json:"panel"`           // where its customers make settings, and ask
	Hosts  string   `json:"hosts,omitempty"` // narrows the domain to the servers that are the provider's own
	SPF    []string `json:"spf,omitempty"`   // what its customers include
	Source string   `json:"source"`
	AsOf   string   `json:"as_of"` // the day on which the sources were read

	// What a customer can have there: "yes", "no", or empty where it was not found out. Whether a
	// server does DANE today the evidence of a report says.
	DANE       string `json:"dane,omitempty"`
	MTASTS     string `json:"mta_sts,omitempty"`
	Protection string `json:"protection,omitempty"` // the source of these

	hosts *regexp.Regexp
}

//go:embed providers.json
var text []byte

// all are those of providers.json: a domain below which customers have machines of their own is
// not one to go by. A test holds its shape.
var all = read(text)

func read(text []byte) []Provider {
	var list []Provider
	if err := json.Unmarshal(text, &list); err != nil {
		panic("provider: providers.json: " + err.Error())
	}
	for i := range list {
		if list[i].Hosts != "" {
			list[i].hosts = regexp.MustCompile(list[i].Hosts)
		}
	}
	return list
}

// Of returns the provider that a mail server of this name belongs to; nil where it is not known.
func Of(host string) *Provider {
	return find(func(p Provider) bool {
		return p.Domain != "" && below(host, p.Domain) && (p.hosts == nil || p.hosts.MatchString(host))
	})
}

// Behind returns the provider of a mail server that goes by a name of its customer's, by the names
// that its address has. It is a hint: who has an address may give it any name.
func Behind(ptr []string) *Provider {
	for _, name := range ptr {
		if p := Of(strings.TrimSuffix(name, ".")); p != nil {
			return p
		}
	}
	return nil
}

// Included returns the provider that an SPF record includes; nil where none is known, or several
// are. It is a hint: it says who sends for a domain, which is mostly who receives for it.
func Included(spf string) *Provider {
	var found *Provider
	for word := range strings.FieldsSeq(strings.ToLower(spf)) {
		name, included := strings.CutPrefix(strings.TrimLeft(word, "+?~"), "include:")
		if !included {
			continue
		}
		p := find(func(p Provider) bool { return slices.Contains(p.SPF, name) })
		if p != nil && found != nil && p.Name != found.Name {
			return nil
		}
		if p != nil {
			found = p
		}
	}
	return found
}

// Serving returns the provider that a name server belongs to; nil where it is not known.
func Serving(nameServer string) *Provider {
	return find(func(p Provider) bool {
		return slices.ContainsFunc(p.NS, func(domain string) bool { return below(strings.TrimSuffix(nameServer, "."), domain) })
	})
}

// Best is the best letter that a customer can have there; empty where that is not known.
func (p *Provider) Best() string {
	switch {
	case p.DANE == "yes" && p.MTASTS == "yes":
		return "A+"
	case p.DANE == "yes":
		return "A"
	case p.DANE == "no" && p.MTASTS == "yes":
		return "B"
	case p.DANE == "no" && p.MTASTS == "no":
		return "C"
	}
	return ""
}

func find(fits func(Provider) bool) *Provider {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return &all[i]
	}
	return nil
}

func below(name, domain string) bool { return strings.HasSuffix("."+name, "."+domain) }
