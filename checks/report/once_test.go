package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// A certificate that many places show stands once in JSON with its octets, and everywhere after
// that was read.
func TestCertificatesOnce(t *testing.T) {
	leaf := func(via Via) *Certificate {
		return &Certificate{SHA256: "aa", Subject: "CN=leaf", Names: []string{"mx.example"}, DER: []byte("the leaf"), Via: via,
			Chain: []*Certificate{{SHA256: "bb", Subject: "CN=middle", DER: []byte("the middle")}, {SHA256: "cc", Octets: 7}}}
	}
	r := &Report{Meta: Meta{ID: "1", Schema: Schema}, Evidence: Evidence{Hosts: []*Host{
		{Name: "a", Addresses: []*Address{{IP: "192.0.2.1"}, {IP: "192.0.2.2", Certificates: []*Certificate{leaf("first"), leaf("no-sni")}, AsBase: &Shown{Certificates: []*Certificate{leaf("first")}}}}},
		{Name: "b", Addresses: []*Address{{IP: "192.0.2.3", Certificates: []*Certificate{leaf("first")}}}},
	}, MTASTS: &MTASTS{Fetch: &Fetch{Certificate: leaf("")}, Second: &Fetch{Certificate: leaf("")}}}}
	before, err := json.Marshal((*plain)(r))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), `"der":`); n != 2 {
		t.Errorf("%d certificates with their octets, want 2: %s", n, text)
	}
	if n := strings.Count(string(text), `"subject":"CN=leaf"`); n != 6 {
		t.Errorf("the leaf is described %d times, want 6", n)
	}
	var again Report
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Hosts, r.Hosts) || !reflect.DeepEqual(again.MTASTS, r.MTASTS) {
		t.Errorf("read again it is another: %s", text)
	}
	after, _ := json.Marshal((*plain)(r))
	if string(before) != string(after) {
		t.Error("writing a report changes it")
	}
	var old Report // with the octets everywhere, as reports were written
	if err := json.Unmarshal(before, &old); err != nil || !reflect.DeepEqual(old.Hosts, r.Hosts) {
		t.Errorf("an old report reads otherwise: %v", err)
	}
}
