// Package provider knows the companies that receive mail for others, by the names of their mail
// servers. Whether such a server does DANE is not told here: the evidence of a report says so of
// the very host.
package provider

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"
)

// Provider is a company that receives mail for others.
type Provider struct {
	Domain string `json:"domain"` // its mail servers stand below it
	Name   string `json:"name"`
	Panel  string `json:"panel"`           // where its customers make settings, and ask
	Hosts  string `json:"hosts,omitempty"` // narrows the domain to the servers that are the provider's own
	Source string `json:"source"`
	AsOf   string `json:"as_of"` // the day on which the source was read

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
	for i, p := range all {
		if strings.HasSuffix("."+host, "."+p.Domain) && (p.hosts == nil || p.hosts.MatchString(host)) {
			return &all[i]
		}
	}
	return nil
}
