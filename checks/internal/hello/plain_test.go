package hello

import (
	"encoding/hex"
	"math/big"
	"testing"
)

func TestFiniteFields(t *testing.T) {
	for _, g := range Groups {
		if !g.Finite {
			continue
		}
		p := safePrime(g.ID)
		if name := PrimeName(p.Bytes()); name != g.Name || p.BitLen() != g.Bits {
			t.Errorf("%s: a prime of %d bits called %q", g.Name, p.BitLen(), name)
		}
	}
}

// RFC 7748 §5.2 and §6.2.
func TestX448(t *testing.T) {
	scalar, _ := hex.DecodeString("3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3")
	u, _ := hex.DecodeString("06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086")
	scalar[0], scalar[55] = scalar[0]&252, scalar[55]|128
	if got := hex.EncodeToString(montgomery448(littleEndian(scalar), littleEndian(u))); got != "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f" {
		t.Error(got)
	}
}

func TestSharesAgree(t *testing.T) {
	for _, g := range []uint16{X25519, P256, P384, 25, x448, 256, 257} {
		a, err := newShare(g)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := newShare(g)
		one, err1 := a.secret(b.public)
		other, err2 := b.secret(a.public)
		if err1 != nil || err2 != nil || string(one) != string(other) {
			t.Errorf("%s: %v %v", GroupOf(g).Name, err1, err2)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 56), make([]byte, 256), big.NewInt(1).FillBytes(make([]byte, 256))} {
		for _, g := range []uint16{x448, 256} {
			s, _ := newShare(g)
			if _, err := s.secret(bad); err == nil {
				t.Errorf("%s takes %d bytes that give no secret", GroupOf(g).Name, len(bad))
			}
		}
	}
}

// TestKeysAreUsedForAWhile: one key serves exchangesOfKey exchanges in its group and no more.
func TestKeysAreUsedForAWhile(t *testing.T) {
	seen := map[string]int{}
	for range 3 * exchangesOfKey {
		s, err := shareOf(P256)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(s.public)]++
	}
	if len(seen) > 4 { // what other tests have left of one, and three
		t.Errorf("%d keys for %d exchanges", len(seen), 3*exchangesOfKey)
	}
	for _, n := range seen {
		if n > exchangesOfKey {
			t.Errorf("a key served %d exchanges, %d are the bound", n, exchangesOfKey)
		}
	}
	if s, err := shareOf(0x6399); err == nil {
		t.Errorf("a key in a group that we can only ask for: %x", s.public)
	}
}
