package dane

import (
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/pkix"
	"mxseal/checks/report"
)

// issuing is a public authority that signs with several keys by turns, as it publishes them.
type issuing struct {
	Authority string   `json:"authority"`
	AsOf      string   `json:"as_of"` // the date of the page
	Source    string   `json:"source"`
	Issuers   []issuer `json:"issuers"`
}

// issuer is one of those keys. An active one signs today; a backup may begin without notice;
// a retired one only tells whose certificate it is.
type issuer struct {
	Name   string `json:"name"`
	Keys   string `json:"keys"`   // kind of the keys that it certifies: RSA or ECDSA
	Status string `json:"status"` // active, backup or retired
	SHA256 string `json:"spki_sha256"`
	SHA512 string `json:"spki_sha512"`
	Source string `json:"source"` // of its certificate
}

//go:embed issuers.json
var issuersJSON []byte

// authorities are those of issuers.json. A test holds its shape.
var authorities = readIssuers(issuersJSON)

func readIssuers(text []byte) []issuing {
	var all []issuing
	if err := json.Unmarshal(text, &all); err != nil {
		panic("dane: issuers.json: " + err.Error())
	}
	return all
}

// judgeIssuers judges records of which every one that fits names an intermediate of a public
// authority: the next certificate may come from another one.
func judgeIssuers(j *report.Judgement, h *report.Host, leaf *report.Certificate, anchors []*pkix.Certificate) {
	of := known(anchors)
	if of == nil {
		if count(h.TLSA.Records, 2) == 1 {
			j.Add("DAN-21").At(h.Name, "").With("record", advice(h)).With("issuer", leaf.Issuer)
		}
		return
	}
	var missing, lines []string
	active := false
	for _, i := range of.Issuers {
		if i.Status == "retired" || i.Keys != family(leaf) || covers(h.TLSA.Records, i) {
			continue
		}
		active = active || i.Status == "active"
		missing = append(missing, i.Name)
		lines = append(lines, fmt.Sprintf("_25._tcp.%s. IN TLSA 2 1 1 %s", baseOf(h), i.SHA256))
	}
	if len(missing) == 0 {
		return
	}
	f := j.Add("DAN-49").At(h.Name, "").With("authority", of.Authority).With("date", of.AsOf).With("missing", strings.Join(missing, ", ")).
		With("record", advice(h)).With("records", strings.Join(lines, ", ")).Showing("source: " + of.Source)
	if !active {
		f.As(report.Info)
	}
}

// known returns the authority of which every anchor is an issuer; nil where one is not, such
// as a root, which stays when the intermediate changes.
func known(anchors []*pkix.Certificate) *issuing {
	for i, a := range authorities {
		if len(anchors) > 0 && !slices.ContainsFunc(anchors, func(c *pkix.Certificate) bool {
			sum := sha256.Sum256(c.SPKI)
			return !slices.ContainsFunc(a.Issuers, func(i issuer) bool { return i.SHA256 == hex.EncodeToString(sum[:]) })
		}) {
			return &authorities[i]
		}
	}
	return nil
}

// family is the kind of a certificate's key. A renewal mostly keeps it.
func family(leaf *report.Certificate) string {
	if strings.HasPrefix(leaf.Key, "RSA") {
		return "RSA"
	}
	return "ECDSA"
}

// covers reports whether a record names the key of an issuer.
func covers(records []report.TLSARecord, i issuer) bool {
	return slices.ContainsFunc(records, func(r report.TLSARecord) bool {
		if !r.Usable || r.Usage != 2 || r.Selector != 1 {
			return false
		}
		switch r.Matching {
		case 1:
			return r.Data == i.SHA256
		case 2:
			return r.Data == i.SHA512
		}
		data, err := hex.DecodeString(r.Data)
		sum := sha512.Sum512(data)
		return err == nil && hex.EncodeToString(sum[:]) == i.SHA512
	})
}
