package store_test

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"mxseal/web/store"
	"mxseal/web/store/storetest"
)

// A disk that gives back other octets than it was given must not change what a report says:
// whatever octet is another, the report is refused or is the very one that was kept.
func TestDamageIsNoticed(t *testing.T) {
	kept := storetest.Sample("example.org", store.NewID(), storetest.Noon)
	body, err := store.Pack(kept)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range body {
		for _, bit := range []byte{0x01, 0x10, 0x80} {
			damaged := bytes.Clone(body)
			damaged[i] ^= bit
			r, err := store.Unpack(damaged)
			if err != nil {
				refused++
			} else if !reflect.DeepEqual(r, kept) {
				t.Fatalf("octet %d of %d damaged by %#x: another report came out", i, len(body), bit)
			}
		}
		if i < len(body)-1 {
			if _, err := store.Unpack(body[:i]); err == nil {
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
	for range 2 * store.MaxReport >> 20 {
		z.Write(zeroes)
	}
	z.Write([]byte(`"}`))
	z.Close()
	if r, err := store.Unpack(b.Bytes()); err == nil {
		t.Errorf("a report with a name of %d octets", len(r.Domain))
	}
}

// FuzzUnpack feeds the reader of kept reports with anything: it never panics, and what it
// takes for a report can be kept again and comes back the same.
func FuzzUnpack(f *testing.F) {
	body, err := store.Pack(storetest.Sample("example.org", "aaaaaaaaaaaaaaaaaaaaaaaaaa", storetest.Noon))
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
			r, err := store.Unpack(in)
			if err != nil {
				continue
			}
			again, err := store.Pack(r)
			if err != nil {
				t.Fatalf("taken for a report and cannot be kept: %v", err)
			}
			same, err := store.Unpack(again)
			if err != nil {
				t.Fatalf("kept again and not readable: %v", err)
			}
			first, _ := store.Pack(same)
			if !bytes.Equal(first, again) {
				t.Error("a report that was kept twice is another")
			}
		}
	})
}

func TestNewIDIsUnguessable(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := store.NewID()
		if !regexp.MustCompile(`^[a-z2-7]{16,}$`).MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}
