package pages

import (
	"net/http"
	"strings"

	"mxseal/checks/report"
	"mxseal/templates"
)

// banner is what the last self-test found wrong with this instance. The EHLO name is not
// among it: a server that minds the name says so itself.
func (p *Pages) banner() templates.Banner {
	b := templates.Banner{Examples: p.Lab}
	if p.Conditions == nil {
		return b
	}
	for _, c := range p.Conditions() {
		if c.State == "failed" && c.Name != report.HELOCondition {
			b.Troubles = append(b.Troubles, c.Name)
		}
	}
	return b
}

// pageKey is under which the page of an address is kept in memory. With another banner it is
// another page: none shows trouble that has passed, and none is silent about what has begun. So it is
// where the site is reached in another way.
func (p *Pages) pageKey(address string, b templates.Banner) string {
	if address == "" {
		return ""
	}
	return address + " " + strings.Join(b.Troubles, " ") + " " + p.BaseURL
}

// at is the site as the request reaches it: of an address that the operator has not named the request
// knows, where something vouches for it.
func (p *Pages) at(r *http.Request) *Pages {
	if p.BaseURL != "" || p.Reached == nil {
		return p
	}
	here := *p
	here.BaseURL = p.Reached(r)
	return &here
}
