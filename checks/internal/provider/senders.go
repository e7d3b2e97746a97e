package provider

import (
	_ "embed"
	"encoding/json"
	"slices"
)

// Sender is what people send from: a company, or software as it comes.
type Sender struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Checks Checks `json:"checks"`
	OldTLS bool   `json:"old_tls,omitempty"` // it speaks TLS 1.0 and 1.1 too
	Source string `json:"source"`
	AsOf   string `json:"as_of"` // the day on which the source was read, or the suite was run
}

// Checks says what a sender makes sure of before it hands mail over.
type Checks string

const (
	Nothing     Checks = "nothing"          // encrypts where it is offered, and takes any certificate
	DANE        Checks = "dane"             // behind signed MX records only
	DANELenient Checks = "dane-lenient"     // behind unsigned MX records too
	MTASTS      Checks = "mta-sts"          // policies in mode enforce
	Both        Checks = "dane-and-mta-sts" // DANE where there is one, otherwise MTA-STS
	Enforced    Checks = "enforced"         // TLS and a public certificate, whatever the domain says
)

// Unknown stands for those who do not know what they send from. It claims the least.
var Unknown = Sender{ID: "unknown", Name: "I don’t know", Checks: Nothing}

//go:embed senders.json
var sendersText []byte

// Senders are those of senders.json, and at the end Unknown. A row without a source is none.
var Senders = readSenders(sendersText)

func readSenders(text []byte) []Sender {
	var list []Sender
	if err := json.Unmarshal(text, &list); err != nil {
		panic("provider: senders.json: " + err.Error())
	}
	return append(list, Unknown)
}

// SenderOf returns the sender of an id.
func SenderOf(id string) (Sender, bool) {
	i := slices.IndexFunc(Senders, func(s Sender) bool { return s.ID == id })
	if i < 0 {
		return Sender{}, false
	}
	return Senders[i], true
}
