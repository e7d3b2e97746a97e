package report

// TLSRPT is where a domain wants TLS reports sent (RFC 8460).
type TLSRPT struct {
	State     RPTState `json:"state" derived:"tls-rpt"` // whether reports can be sent
	RUA       []string `json:"rua,omitempty" derived:"tls-rpt"`
	Raw       string   `json:"raw,omitempty" derived:"tls-rpt"` // the record in force
	Error     string   `json:"error,omitempty" derived:"tls-rpt"`
	TXT       []string `json:"txt,omitempty"`
	DNSSEC    *Trust   `json:"dnssec,omitempty"`
	Failure   *Failure `json:"failure,omitempty"`
	Targets   []Target `json:"targets,omitempty"`
	Misplaced []string `json:"misplaced,omitempty"` // names where an old record still stands
	// Vacant are the end of the record's alias, and hosts of report addresses, in a domain that does not exist.
	Vacant []Vacant `json:"vacant,omitempty"`
}

// RPTState is whether reports can be sent.
type RPTState string

const (
	RPTAbsent  RPTState = "absent"
	RPTInvalid RPTState = "invalid"
	RPTSound   RPTState = "ok"
)

// Target is one report address, looked up.
type Target struct {
	URI    string `json:"uri"`
	Domain string `json:"domain"`
	Mail   string `json:"mail,omitempty"`  // mailto: yes, no (takes no mail), unknown
	HTTPS  string `json:"https,omitempty"` // https: ok, unresolvable, forbidden, unknown
}

func (t *TLSRPT) say(w speech) {
	if t != nil {
		t.Failure = t.Failure.said(w)
		t.DNSSEC.say(w)
	}
}
