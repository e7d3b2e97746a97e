package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Node is an element of the page as assistive technology finds it.
type Node struct {
	Role, Name, Description string
	id                      cdp.BackendNodeID
}

// All returns the elements of a role (textbox, button, link, heading, image …) whose
// accessible name matches, in the order of the page. Hidden ones are not among them.
func (t *Tab) All(role, name string) ([]Node, error) {
	wanted, err := regexp.Compile(name)
	if err != nil {
		return nil, err
	}
	var nodes []Node
	err = t.run(chromedp.ActionFunc(func(ctx context.Context) error {
		root, _, err := runtime.Evaluate("document").Do(ctx)
		if err != nil {
			return err
		}
		found, err := accessibility.QueryAXTree().WithObjectID(root.ObjectID).WithRole(role).Do(ctx)
		if err != nil {
			return err
		}
		for _, f := range found {
			if n := text(f.Name); !f.Ignored && wanted.MatchString(n) {
				nodes = append(nodes, Node{role, n, text(f.Description), f.BackendDOMNodeID})
			}
		}
		return nil
	}))
	return nodes, err
}

// oneTime is how long a page may lack what it has: one that follows events is replaced piece by piece.
const oneTime = 5 * time.Second

// One returns the first such element; it is an error if there is none.
func (t *Tab) One(role, name string) (Node, error) {
	for end := time.Now().Add(oneTime); ; time.Sleep(100 * time.Millisecond) {
		all, err := t.All(role, name) // fails while it is replaced
		switch {
		case len(all) > 0:
			return all[0], nil
		case time.Now().Before(end):
		case err != nil:
			return Node{}, err
		default:
			return Node{}, fmt.Errorf("the page has no %s named %q", role, name)
		}
	}
}

func text(v *accessibility.Value) string {
	var s string
	if v != nil && json.Unmarshal([]byte(v.Value), &s) != nil {
		return ""
	}
	return strings.Join(strings.Fields(s), " ")
}

// Click presses the mouse on an element.
func (t *Tab) Click(n Node) error { return t.run(n.click()) }

// Follow clicks on an element that leads to another page and waits for that page.
func (t *Tab) Follow(role, name string) (status int64, err error) {
	for end := time.Now().Add(oneTime); ; {
		n, err := t.One(role, name)
		if err != nil {
			return 0, err
		}
		status, err = t.load(n.click())
		if !errors.Is(err, errGone) || time.Now().After(end) {
			return status, err
		}
	}
}

// errGone says that an element was replaced before it could be clicked on.
var errGone = errors.New("it is not there any more")

func (n Node) click() chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		if err := dom.ScrollIntoViewIfNeeded().WithBackendNodeID(n.id).Do(ctx); err != nil {
			return fmt.Errorf("%s %q cannot be seen (%w): %w", n.Role, n.Name, errGone, err)
		}
		// The first quad is the first line of a link that is broken over two.
		quads, err := dom.GetContentQuads().WithBackendNodeID(n.id).Do(ctx)
		if err != nil || len(quads) == 0 {
			return fmt.Errorf("%s %q has no place on the page (%w): %v", n.Role, n.Name, errGone, err)
		}
		q := quads[0]
		return chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2).Do(ctx)
	})
}

// Type presses keys, one after another; kb names the keys that are no characters.
func (t *Tab) Type(keys string) error { return t.run(chromedp.KeyEvent(keys)) }

// Enter presses Enter where that leads to another page, and waits for that page.
func (t *Tab) Enter() (status int64, err error) { return t.load(chromedp.KeyEvent("\r")) }

// Ask types into the form of the page and sends it.
func (t *Tab) Ask(typed string) (status int64, err error) {
	field, err := t.One("textbox", "Mail domain")
	if err != nil {
		return 0, err
	}
	if err := t.Click(field); err != nil {
		return 0, err
	}
	// What stands there already is typed over.
	if err := errors.Join(t.Eval(`document.activeElement.select()`, nil), t.Type(typed)); err != nil {
		return 0, err
	}
	return t.Follow("button", "^Check$")
}

// Unfold opens everything that is folded.
func (t *Tab) Unfold() error {
	return t.Eval(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil)
}
