//go:build examples

package main

// The suite of the examples of .github/MONITORING.md lives below testdata, where “go mod tidy” does not look.
// This import, which no build ever makes, keeps its library among the requirements.
import _ "go.yaml.in/yaml/v3"
