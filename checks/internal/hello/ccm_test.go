package hello

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"testing"
)

// Example 3 of NIST SP 800-38C appendix C, and a text that was changed.
func TestCCM(t *testing.T) {
	run := func(from, n int) (b []byte) {
		for i := range n {
			b = append(b, byte(from+i))
		}
		return b
	}
	block, err := aes.NewCipher(run(0x40, 16))
	if err != nil {
		t.Fatal(err)
	}
	c, nonce, additional, plain := ccm{block, 8}, run(0x10, 12), run(0, 20), run(0x20, 24)
	sealed := c.Seal(nil, nonce, plain, additional)
	if got := hex.EncodeToString(sealed); got != "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951" {
		t.Errorf("sealed %s", got)
	}
	if got, err := c.Open(nil, nonce, sealed, additional); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened %x, %v", got, err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := c.Open(nil, nonce, changed, additional); err == nil {
			t.Errorf("it opens with octet %d changed", i)
		}
	}
	if _, err := c.Open(nil, nonce, sealed[:7], nil); err == nil {
		t.Error("a text shorter than its tag opens")
	}
}
