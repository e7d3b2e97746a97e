package surveys

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What OPERATING says of a million domains is what was measured.
func TestWhatOperatorsReadOfCosts(t *testing.T) {
	text, err := os.ReadFile("../../.github/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Measured {
		row := fmt.Sprintf("| %s | %.0f | %.1f hours | %.0f million | %.2g million | %.1f GB | %d MiB |", c.Depth, c.Rate, c.Time(1e6).Hours(), c.Questions, c.Connections, c.Octets/1e3, c.Memory)
		if !strings.Contains(string(text), row) {
			t.Errorf("OPERATING.md has no line %s", row)
		}
	}
}
