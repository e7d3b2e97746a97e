package mx

import (
	_ "embed"
	"encoding/json"
	"strings"

	"mxseal/checks/internal/resolve"
	"mxseal/checks/report"
)

// parking is a service that shows advertisements at names which nobody uses. What stands below
// the domain belongs to it.
type parking struct {
	Service string `json:"service"`
	Domain  string `json:"domain"`
	AsOf    string `json:"as_of"` // the day of the source
	Source  string `json:"source"`
}

//go:embed parking.json
var parkingJSON []byte

// parkings are those of parking.json. A test holds its shape.
var parkings = readParking(parkingJSON)

func readParking(text []byte) []parking {
	var all []parking
	if err := json.Unmarshal(text, &all); err != nil {
		panic("mx: parking.json: " + err.Error())
	}
	return all
}

// parked returns the parking service to which a mail host of a domain belongs; nil where it
// belongs to none, or the domain is the service's own.
func parked(domain string, h *report.Host) *parking {
	for i, p := range parkings {
		for _, name := range []string{h.Name, h.Canonical} {
			if strings.HasSuffix("."+name, "."+p.Domain) && resolve.Registrable(domain) != resolve.Registrable(name) {
				return &parkings[i]
			}
		}
	}
	return nil
}
