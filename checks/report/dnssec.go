package report

import "encoding/json"

// DNSSEC is what was asked about signing beyond the trust that comes with every answer.
type DNSSEC struct {
	Zones []Zone `json:"zones,omitempty"`
	// Authorities are the zones whose name servers were asked directly, which happens only
	// after an answer failed.
	Authorities []Authority `json:"authorities,omitempty"`
}

// Zone is one zone that mail to the domain depends on.
type Zone struct {
	Name   string `json:"name"`
	Trust  Trust  `json:"trust"`
	DNSKEY bool   `json:"dnskey"` // the zone has keys, whether or not the parent has a DS
	// The NSEC3 parameters seen in the zone's own denial, absent where none was seen.
	Iterations *int  `json:"nsec3_iterations,omitempty"` // further rounds of hashing
	Salted     bool  `json:"nsec3_salted,omitempty"`     // the hashes have a salt
	CDS        []CDS `json:"cds,omitempty"`              // what the zone asks the registry to publish
	// Servers are the first few of its name servers, which tell who runs its DNS.
	Servers []string `json:"servers,omitempty"`
	// Vacant are those of its name servers that stand in a domain which does not exist.
	Vacant []Vacant `json:"vacant_servers,omitempty"`
}

// CDS is a record by which a zone tells the registry which DS record it wants (RFC 7344).
type CDS struct {
	DS
	Delete bool `json:"delete,omitempty"` // that it wants none (RFC 8078 §4)
	Fits   bool `json:"fits,omitempty"`   // a key of the zone
}

// zonesRoom is what the zones of one report may take as JSON, in octets.
const zonesRoom = 40 << 10

// Fit cuts the chains of the zones until they have room.
func (d *DNSSEC) Fit() {
	for _, links := range []int{4, 2} {
		if text, err := json.Marshal(d.Zones); err != nil || len(text) <= zonesRoom {
			return
		}
		for i := range d.Zones {
			d.Zones[i].Trust.cut(links)
		}
	}
}

func (d *DNSSEC) say(w speech) {
	if d == nil {
		return
	}
	for i := range d.Zones {
		d.Zones[i].Trust.say(w)
	}
	for i := range d.Authorities {
		d.Authorities[i].say(w)
	}
}
