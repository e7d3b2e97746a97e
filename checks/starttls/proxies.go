package starttls

import (
	_ "embed"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
)

// proxies are those of one operator that pass web traffic on and no mail, with the addresses
// that it publishes for them.
type proxies struct {
	Operator string         `json:"operator"`
	AsOf     string         `json:"as_of"` // the day of the list
	Source   string         `json:"source"`
	Mail     []string       `json:"mail,omitempty"` // domains of the operator's own mail servers, which stand in the same ranges
	Ranges   []netip.Prefix `json:"ranges"`
}

//go:embed proxies.json
var proxiesJSON []byte

// webProxies are those of proxies.json. A test holds its shape.
var webProxies = readProxies(proxiesJSON)

func readProxies(text []byte) []proxies {
	var all []proxies
	if err := json.Unmarshal(text, &all); err != nil {
		panic("starttls: proxies.json: " + err.Error())
	}
	return all
}

// behind returns the web proxies that an address of a host belongs to; nil where it is none, or
// may be a mail server of the operator's own.
func behind(host, ip string) *proxies {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return nil
	}
	for i, p := range webProxies {
		own := slices.ContainsFunc(p.Mail, func(d string) bool { return strings.HasSuffix("."+host, "."+d) })
		if !own && slices.ContainsFunc(p.Ranges, func(r netip.Prefix) bool { return r.Contains(address) }) {
			return &webProxies[i]
		}
	}
	return nil
}
