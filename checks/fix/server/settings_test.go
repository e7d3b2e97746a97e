package server

import (
	"testing"

	"mxseal/checks/fix/software"
	"mxseal/checks/report"
)

// Every setting that a program knows has a purpose.
func TestEverySettingHasAPurpose(t *testing.T) {
	for _, p := range software.Known() {
		for _, name := range p.Makes(report.Settings) {
			if purposes[name] == "" {
				t.Errorf("%s: %q is a setting without a purpose", p.Name, name)
			}
		}
	}
}
