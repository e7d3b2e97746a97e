package mx

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The table that anybody may correct is whole and dated, and says where each row comes from.
func TestTheTableOfParking(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(parkingJSON))
	d.DisallowUnknownFields()
	var all []parking
	if err := d.Decode(&all); err != nil || d.More() {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, p := range all {
		if _, err := time.Parse(time.DateOnly, p.AsOf); err != nil || p.Service == "" || !strings.HasPrefix(p.Source, "https://") {
			t.Errorf("%s lacks a name, a date or a source", p.Domain)
		}
		if p.Domain != strings.ToLower(p.Domain) || strings.HasPrefix(p.Domain, ".") || !strings.Contains(p.Domain, ".") || seen[p.Domain] {
			t.Errorf("%q is no domain in small letters, or stands there twice", p.Domain)
		}
		seen[p.Domain] = true
	}
}
