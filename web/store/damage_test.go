package store

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"strings"
	"testing"
)

// A disk that gives back other octets than it was given must not change what a report says:
// whatever octet is another, the report is refused or is the very one that was kept.
func TestDamageIsNoticed(t *testing.T) {
	kept := sample("example.org", NewID(), noon)
	body, err := pack(kept)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range body {
		for _, bit := range []byte{0x01, 0x10, 0x80} {
			damaged := bytes.Clone(body)
			damaged[i] ^= bit
			r, err := unpack(damaged)
			if err != nil {
				refused++
			} else if !reflect.DeepEqual(r, kept) {
				t.Fatalf("octet %d of %d damaged by %#x: another report came out", i, len(body), bit)
			}
		}
		if i < len(body)-1 {
			if _, err := unpack(body[:i]); err == nil {
				t.Errorf("the first %d octets of %d were taken for a whole report", i, len(body))
			}
		}
	}
	if refused < 2*len(body) { // some of the header is not protected, and not used
		t.Errorf("only %d damages of %d were noticed", refused, 3*len(body))
	}
}

// A body that swells without end is refused before it fills the memory.
func TestABombIsNotUnpacked(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(`{"domain":"`))
	zeroes := []byte(strings.Repeat("0", 1<<20))
	for range 2 * maxReport >> 20 {
		z.Write(zeroes)
	}
	z.Write([]byte(`"}`))
	z.Close()
	if r, err := unpack(b.Bytes()); err == nil {
		t.Errorf("a report with a name of %d octets", len(r.Domain))
	}
}

// FuzzUnpack feeds the reader of kept reports with anything: it never panics, and what it
// takes for a report can be kept again and comes back the same.
func FuzzUnpack(f *testing.F) {
	body, err := pack(sample("example.org", "aaaaaaaaaaaaaaaaaaaaaaaaaa", noon))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(body[:len(body)/2])
	f.Add([]byte{})
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		inputs := [][]byte{data}
		var b bytes.Buffer // the same as well-packed JSON, which random octets never are
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		inputs = append(inputs, b.Bytes())
		for _, in := range inputs {
			r, err := unpack(in)
			if err != nil {
				continue
			}
			again, err := pack(r)
			if err != nil {
				t.Fatalf("taken for a report and cannot be kept: %v", err)
			}
			same, err := unpack(again)
			if err != nil {
				t.Fatalf("kept again and not readable: %v", err)
			}
			first, _ := pack(same)
			if !bytes.Equal(first, again) {
				t.Error("a report that was kept twice is another")
			}
		}
	})
}
