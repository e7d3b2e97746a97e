package browser

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed look.js
var look string

// see calls a function of look.js.
func (t *Tab) see(call string, into any) error {
	return t.Eval("("+strings.TrimSpace(look)+")."+call, into)
}

// Sideways lists what makes the page wider than the window; nil if nothing does.
func (t *Tab) Sideways(v View) (found []string, err error) {
	err = t.see(fmt.Sprintf("sideways(%d)", v.Width), &found)
	return found, err
}

// Clipped lists texts that their boxes cut off.
func (t *Tab) Clipped() (found []string, err error) {
	err = t.see("clipped()", &found)
	return found, err
}

// Frame lists what is wrong with title, language, headings, anchors and images of the page.
func (t *Tab) Frame() (found []string, err error) {
	err = t.see("frame()", &found)
	return found, err
}

// Strange lists what only text of strangers can have brought into the page.
func (t *Tab) Strange() (found []string, err error) {
	err = t.see("strange()", &found)
	return found, err
}

// Violation is a rule of accessibility that the page breaks.
type Violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

func (v Violation) String() string {
	s := fmt.Sprintf("%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
		s += fmt.Sprintf("\n    %.160s\n      %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n      "))
	}
	return s
}

// Rules for axe-core.
const (
	AllRules    = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]` // WCAG 2.2 at level AA and its own good practices
	ColourRules = `{type: "rule", values: ["color-contrast", "link-in-text-block"]}`          // what depends on the colour scheme
)

// Accessibility runs axe-core in a world of its own beside the page's scripts.
func (t *Tab) Accessibility(axe, rules string) (found []Violation, err error) {
	err = t.run(chromedp.ActionFunc(func(ctx context.Context) error {
		tree, err := page.GetFrameTree().Do(ctx)
		if err != nil {
			return err
		}
		world, err := page.CreateIsolatedWorld(tree.Frame.ID).WithWorldName("axe").Do(ctx)
		if err != nil {
			return err
		}
		run := fmt.Sprintf(`;axe.run(document, {preload: false, resultTypes: ["violations"], runOnly: %s}).then(r => r.violations)`, rules)
		return evaluate(ctx, runtime.Evaluate(axe+run).WithContextID(world), &found)
	}))
	return found, err
}

// Stops are the elements that the Tab key must stop at, in the order of the page.
func (t *Tab) Stops() (names []string, err error) {
	err = t.see("stops()", &names)
	return names, err
}

// Focus tells which of the Stops has the focus, and what is wrong with how it shows. It is -1
// if none has.
func (t *Tab) Focus() (n int, wrong []string, err error) {
	var f struct {
		N     int
		Wrong []string
	}
	err = t.see("focus()", &f)
	return f.N, f.Wrong, err
}

// Folded are the texts in folded sections.
func (t *Tab) Folded() (texts []string, err error) {
	err = t.see("folded()", &texts)
	return texts, err
}

// Unprinted are those of some texts that are not on the paper when the page is printed as it
// is. Blanks do not count, as lines end elsewhere on paper, nor does upper case, as styles
// may set it.
func (t *Tab) Unprinted(texts []string) (missing []string, err error) {
	paper, err := t.paper()
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		if !strings.Contains(paper, blankless(text)) {
			missing = append(missing, text)
		}
	}
	return missing, nil
}

// paper is the text of the printed page, blankless.
func (t *Tab) paper() (string, error) {
	pdf, err := t.PDF()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "mxseal-browser-*.pdf")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(pdf); err != nil {
		return "", err
	}
	text, err := exec.Command("pdftotext", "-raw", f.Name(), "-").Output()
	return blankless(string(text)), err
}

func blankless(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }

// PDF is the page on paper of the size A4.
func (t *Tab) PDF() (pdf []byte, err error) {
	err = t.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPrintBackground(true).WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
		return err
	}))
	return pdf, err
}

// sheet is a page in a PDF file.
var sheet = regexp.MustCompile(`/Type\s*/Page\b`)

// Sheets counts the pages that the page takes on paper.
func (t *Tab) Sheets() (int, error) {
	pdf, err := t.PDF()
	return len(sheet.FindAll(pdf, -1)), err
}

// Picture is the whole page as PNG.
func (t *Tab) Picture() (png []byte, err error) {
	err = t.run(chromedp.FullScreenshot(&png, 100))
	return png, err
}
