package store

import (
	"slices"
	"testing"
)

func TestPackedLines(t *testing.T) {
	for _, lines := range [][]int{{}, {0}, {0, 1, 2}, {5, 300, 999_999}} {
		if got := unpackLines(packLines(lines)); !slices.Equal(got, lines) {
			t.Errorf("%v became %v", lines, got)
		}
	}
	if got := unpackLines([]byte{1, 0x80}); !slices.Equal(got, []int{1}) { // a damaged one
		t.Errorf("%v", got)
	}
}
