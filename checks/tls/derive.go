package tls

import (
	"mxseal/checks/report"
	"mxseal/checks/tls/class"
)

// Derive says of all that was seen of each server which class it is of (package class).
func Derive(r report.Observed) {
	for _, h := range r.Hosts {
		for _, a := range h.Addresses {
			if a.TLS != nil {
				class.Derive(a.TLS)
			}
		}
	}
}
