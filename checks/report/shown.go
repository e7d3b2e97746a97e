package report

import "time"

// Shown is what an address shows to a sender that names the TLSA base domain in its hello,
// where that is another name than the one in the MX record: DANE senders send the one (RFC
// 7672 §8.1), MTA-STS senders the other (RFC 8461 §7.1), and a server may choose its
// certificate by it.
type Shown struct {
	ServerName   string         `json:"server_name"`                                                      // the name that was sent, A-label
	STARTTLS     STARTTLS       `json:"starttls" enum:"ok,not-offered,refused,handshake-failed,untested"` // how far it came
	Reply        string         `json:"reply,omitempty"`                                                  // the reply that decided or ended it
	Ladder       []Rung         `json:"ladder,omitempty"`                                                 // handshakes tried, until one worked
	Failure      *Failure       `json:"failure,omitempty"`                                                // what kept us from the end
	Certificates []*Certificate `json:"certificates,omitempty"`
	Connections  int            `json:"connections"`
	SeenAt       *time.Time     `json:"seen_at,omitempty"` // of the earlier look that serves this report too
}

// ToDANE is what an address presents to a sender that checks DANE: the certificates with
// which it answers to the TLSA base domain.
func (a *Address) ToDANE() []*Certificate {
	if a.AsBase != nil {
		return a.AsBase.Certificates
	}
	return a.Named()
}

// Named are the certificates with which an address answers to the host's name.
func (a *Address) Named() []*Certificate { return a.via(false) }

// Unnamed are those with which it answers to a client that sends no name.
func (a *Address) Unnamed() []*Certificate { return a.via(true) }

func (a *Address) via(unnamed bool) []*Certificate {
	var list []*Certificate
	for _, c := range a.Certificates {
		if c != nil && (c.Via == ViaNoName) == unnamed {
			list = append(list, c)
		}
	}
	return list
}

func (s *Shown) say(w speech) {
	if s != nil {
		w.sayFailure(&s.Failure)
		w.ladder(&s.Ladder)
	}
}
