package report

import "time"

// MX is the list of mail exchangers as the DNS gave it.
type MX struct {
	State   string   `json:"state" enum:"ok,implicit,null,none,nxdomain,error"` // implicit: no records, but addresses; null: the domain takes no mail
	DNSSEC  Trust    `json:"dnssec"`
	Records []Record `json:"records,omitempty"` // every MX record, in the order senders try them
	Omitted int      `json:"omitted,omitempty"` // records beyond those listed
	Failure *Failure `json:"failure,omitempty"`
	// Unregistered lists registrable domains of MX targets that do not exist.
	Unregistered []string   `json:"unregistered,omitempty"`
	Wildcard     []string   `json:"wildcard,omitempty"` // the MX records of all names below the domain that do not exist by themselves
	Neighbours   Neighbours `json:"neighbours"`
}

// Record is one MX record.
type Record struct {
	Preference uint16 `json:"preference"`
	Host       string `json:"host"`              // A-label without the trailing dot; "." of a null MX
	Skipped    string `json:"skipped,omitempty"` // why it is not among the tested hosts: literal, null, limit
}

// Neighbours are records of other subjects, shown and never graded.
type Neighbours struct {
	SPF     string   `json:"spf,omitempty"`
	DMARC   string   `json:"dmarc,omitempty"`
	CAA     []string `json:"caa,omitempty"`      // in force for the first mail exchanger, as "tag value"
	CAAName string   `json:"caa_name,omitempty"` // the name at which they stand
}

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

// Host is one mail exchanger.
type Host struct {
	Name       string     `json:"name"` // as in the MX record, A-label
	Preference uint16     `json:"preference"`
	DNSSEC     Trust      `json:"dnssec"`              // of the address RRsets that can be used, aliases included; of all where none can
	Families   []Family   `json:"families,omitempty"`  // the two questions for addresses, each by itself
	Canonical  string     `json:"canonical,omitempty"` // the name after its aliases, when it has any
	Failure    *Failure   `json:"failure,omitempty"`   // why it has no addresses
	TLSA       TLSA       `json:"tlsa"`
	Addresses  []*Address `json:"addresses"`
	NotTested  string     `json:"not_tested,omitempty"` // why no address of it was asked: limit, forbidden, no-address
	CAA        []string   `json:"caa,omitempty"`        // in force for the name, as "tag value"
	CAAName    string     `json:"caa_name,omitempty"`   // the name at which they stand
	CAAKnown   bool       `json:"caa_known,omitempty"`  // every question for them was answered
	// Undotted is a name with an address that is the host's, or that of its alias, without
	// the zone's name at its end: what somebody meant who forgot the final dot.
	Undotted string  `json:"undotted,omitempty"`
	Shadow   *Shadow `json:"shadow,omitempty"`
	// Cut names what was left out of the evidence, since a report would be too large with it:
	// transcripts, idle certificates, chains of trust, names, certificates, probes, TLSA
	// records, replies, suites.
	Cut []string `json:"cut,omitempty"`
}

// Shadow says that a host without address would have those of a wildcard, if its name did
// not exist (RFC 4592 §2.2.1).
type Shadow struct {
	Wildcard string `json:"wildcard"`       // the name with the asterisk
	By       string `json:"by,omitempty"`   // a name with records at or below the host's; empty where none was found
	Type     string `json:"type,omitempty"` // of those records
}

// Address is one address of a mail exchanger.
type Address struct {
	IP           string         `json:"ip"`
	Reachable    bool           `json:"reachable"` // a usable SMTP dialogue took place
	Connections  int            `json:"connections"`
	PTR          []string       `json:"ptr,omitempty"`
	SeenAt       *time.Time     `json:"seen_at,omitempty"`    // of the earlier look that serves this report too
	NotTested    string         `json:"not_tested,omitempty"` // why it was not contacted: forbidden, mapped, limit
	Failure      *Failure       `json:"failure,omitempty"`
	SMTP         *SMTP          `json:"smtp,omitempty"`
	TLS          *TLS           `json:"tls,omitempty"`
	Certificates []*Certificate `json:"certificates,omitempty"`
	AsBase       *Shown         `json:"as_tlsa_base,omitempty"` // to those who name the TLSA base domain, where that is another name
}
