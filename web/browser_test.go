//go:build browser

package web

// The browser suite lives below testdata, where “go mod tidy” does not look. This import,
// which no build ever makes, keeps its library among the requirements.
import _ "github.com/chromedp/chromedp"
