package report

import "time"

// Elsewhere is what another vantage, an mxseal in another network, saw of an address at about the same
// time: it is asked where STARTTLS does not work from here, or a promise is broken.
type Elsewhere struct {
	Vantage     string     `json:"vantage"`
	At          *time.Time `json:"at,omitempty"` // of its look; null where there was none, for our own reasons
	STARTTLS    STARTTLS   `json:"starttls" enum:"ok,not-offered,refused,handshake-failed,untested"`
	Certificate string     `json:"certificate_sha256,omitempty"` // the leaf that the first handshake showed
}

// SeenFrom is what an address shows, as another vantage tells it.
func (a *Address) SeenFrom(vantage string, at time.Time) Elsewhere {
	e := Elsewhere{Vantage: vantage, STARTTLS: NotTried}
	if a.Failure == nil || !Own(a.Failure.Kind) {
		e.At = &at
	}
	if a.SMTP != nil {
		e.STARTTLS = a.SMTP.STARTTLS
	}
	for _, c := range a.Certificates {
		if c.Via == ViaFirst {
			e.Certificate = c.SHA256
		}
	}
	return e
}

// Alike reports whether two vantages were shown the same.
func (e Elsewhere) Alike(f Elsewhere) bool {
	return e.STARTTLS == f.STARTTLS && e.Certificate == f.Certificate
}
