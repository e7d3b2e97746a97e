package checks_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "mxseal"

// plan says who may import whom: for each room the rooms it may import. A name that ends
// in /... stands for everything below it.
var plan = map[string][]string{
	"checks/report":                     {},
	"checks/cache":                      {},
	"checks/internal/share":             {},
	"checks/internal/egress/claim":      {},
	"checks/internal/egress":            {"checks/internal/egress/claim", "checks/internal/share", "checks/report"},
	"checks/internal/fields":            {"checks/report"},
	"checks/internal/hello":             {},
	"checks/internal/provider":          {},
	"static":                            {},
	"checks/internal/pkix":              {"checks/report"},
	"checks/internal/resolve":           {"checks/cache", "checks/internal/egress", "checks/internal/share", "checks/report"},
	"checks/internal/smtp":              {"checks/internal/egress", "checks/report"},
	"checks/grade":                      {"checks/report"},
	"checks/fix":                        {"checks/report", "checks/fix/..."},
	"checks/fix/place":                  {"checks/report", "checks/internal/provider"},
	"checks/fix/software":               {"checks/report"},
	"checks/fix/server":                 {"checks/report", "checks/fix/place", "checks/fix/software"},
	"checks/fix/zone":                   {"checks/report", "checks/fix/place"},
	"checks/fix/policy":                 {"checks/report", "checks/fix/place"},
	"checks/internal/smtp/smtptest":     {"checks/internal/egress"}, // a scripted server; only tests import it
	"checks/internal/fields/fieldstest": {},                         // records at random; only tests import it
	"checks/lab":                        {"checks/lab/serve", "checks/report"},
	"checks/lab/serve":                  {},
	"checks/lab/outgoing":               {"checks/lab/serve"},
	"checks/follow":                     {"checks/report", "checks/view"},
	"checks/rehearse":                   {"checks/grade", "checks/records", "checks/report"},
	"checks/keyfile":                    {"checks/internal/pkix", "checks/records", "checks/report"},
	"checks/records":                    {},
	"checks/tlsreport":                  {"checks/report"},
	"checks/watching":                   {"checks/report"},
	"checks/view":                       {"checks/records", "checks/report", "checks/grade", "checks/internal/provider", "checks/tlsreport", "checks/watching"},
	"checks/check":                      {"checks/report", "checks/view", "checks/internal/..."},
	"checks/check/checktest":            {"checks/check", "checks/report", "checks/view"}, // asks the same of every check; only tests import it
	"checks/tls/class":                  {"checks/internal/hello", "checks/report"},
	"checks/tls/ask":                    {"checks/internal/hello", "checks/report", "checks/tls/class", "checks/tls/probe"},
	"checks/tls/probe":                  {"checks/internal/egress", "checks/internal/hello", "checks/internal/smtp", "checks/report"},
	"checks":                            {"checks/..."},
	"templates":                         {"checks/adoption", "checks/report", "checks/sender", "checks/tlsreport", "checks/view", "checks/watching"},
	"web/store":                         {"checks/report"},
	"web/store/sqlite":                  {"web/store"},
	"web/store/postgres":                {"web/store"},
	"web/store/storetest":               {"checks/report", "web/store"}, // what any store has to pass; only tests import it
	"web/claims":                        {},
	"web/jobs":                          {"checks/report", "web/store"},
	"checks/adoption":                   {"checks", "checks/report", "checks/view"},
	"web/vantages":                      {"checks", "checks/report", "web/jobs"},
	"web/surveys":                       {"checks", "checks/adoption", "checks/input", "checks/report", "web/jobs", "web/store"},
	"checks/sender":                     {"checks/report"},
	"web/senders":                       {"checks/lab/serve", "checks/report", "checks/sender", "checks/tlsreport", "web/senders/certificates", "web/store"},
	"web/senders/certificates":          {"web/store"},
	"web/inbox":                         {"checks", "checks/cache", "checks/report", "checks/tlsreport", "web/store"},
	"web/inbox/mail":                    {"checks/lab/serve", "web/inbox", "web/store"},
	"web/watch":                         {"checks/input", "checks/report", "checks/view", "checks/watching", "web/inbox", "web/jobs", "web/scans", "web/store", "web/watch/mail"},
	"web/watch/mail":                    {},
	"web/scans":                         {"checks", "checks/cache", "checks/input", "checks/report", "web/store"},
	"web/problem":                       {"checks/input", "checks/report", "web/scans", "web/store"},
	"web/limit":                         {"checks/cache", "web/scans"},
	"web/live":                          {"web/scans"},
	"web/rendering":                     {"checks/cache", "web/problem", "web/scans"},
	"web/metrics":                       {"checks", "checks/cache", "checks/input", "checks/report", "web/rendering", "web/scans", "web/store"},
	"web/badge":                         {"checks/cache", "checks/input", "checks/report", "templates", "web/problem", "web/rendering", "web/scans", "web/store"},
	"web/api":                           {"checks", "checks/input", "checks/report", "checks/sender", "checks/terminal", "checks/view", "templates", "web/badge", "web/live", "web/problem", "web/rendering", "web/scans", "web/senders", "web/store"},
	"web/pages":                         {"checks", "checks/adoption", "checks/cache", "checks/follow", "checks/grade", "checks/input", "checks/report", "checks/sender", "checks/tlsreport", "checks/view", "static", "templates", "web/api", "web/badge", "web/inbox", "web/live", "web/problem", "web/rendering", "web/scans", "web/senders", "web/store", "web/surveys", "web/watch"},
	"web":                               {"checks", "checks/cache", "checks/input", "checks/report", "checks/view", "static", "templates", "web/api", "web/badge", "web/inbox", "web/limit", "web/metrics", "web/pages", "web/problem", "web/rendering", "web/scans", "web/senders", "web/store", "web/surveys", "web/watch"},
	"checks/terminal":                   {"checks/records", "checks/report", "checks/tlsreport", "checks/view"},
	"cmd/mxseal":                        {"checks", "checks/adoption", "checks/input", "checks/report", "checks/grade", "checks/view", "checks/lab", "checks/lab/outgoing", "checks/sender", "checks/follow", "checks/rehearse", "checks/keyfile", "checks/records", "checks/terminal", "checks/tlsreport", "web", "web/claims", "web/inbox", "web/inbox/mail", "web/jobs", "web/scans", "web/senders", "web/senders/certificates", "web/store", "web/store/postgres", "web/store/sqlite", "web/surveys", "web/vantages", "web/watch", "web/watch/mail", "templates", "static"},
}

// aCheck is what every check may import: what a check is, the evidence, how it is shown, the gathering
// rooms and its own inner rooms, never another check.
var aCheck = []string{"checks/check", "checks/report", "checks/view", "checks/internal/..."}

// planned returns what a room may import.
func planned(room string) (may []string, known bool) {
	if may, known = plan[room]; known {
		return may, true
	}
	head, name, _ := strings.Cut(room, "/")
	if head == "checks" && name != "" && !strings.Contains(name, "/") {
		return append([]string{room + "/..."}, aCheck...), true
	}
	return nil, false
}

// checkRooms stands for every check in a list of rooms.
const checkRooms = "each check"

// keepers says which rooms alone may import a library.
var keepers = map[string][]string{
	"github.com/go-chi/":             {"web", "web/api", "web/limit"},
	"github.com/patrickmn/go-cache":  {"checks/cache"},
	"net/http":                       {"web", "web/api", "web/badge", "web/inbox", "web/limit", "web/live", "web/metrics", "web/pages", "web/problem", "web/rendering", "web/senders", "web/senders/certificates", "templates", "static", "cmd/mxseal", "checks", "checks/mtasts", "checks/lab", "checks/lab/outgoing", "checks/lab/serve"},
	"github.com/danielgtaylor/huma/": {"web/api"},
	"github.com/miekg/dns":           {"checks/internal/resolve", "checks/lab", "checks/lab/outgoing", "checks/lab/serve", "checks", "checks/check", "checks/records", checkRooms, "cmd/mxseal", "web/senders"},
	"github.com/a-h/templ":           {"templates", "web/pages"},
	"golang.org/x/image":             {"web/badge"},
	"github.com/mholt/acmez":         {"web/senders/certificates"},
	"github.com/wneessen/go-mail":    {"web/watch/mail"},
	"github.com/emersion/go-msgauth": {"web/inbox/mail", "web/watch/mail"},
	"github.com/arran4/golang-ical":  {"checks/follow"},
	"github.com/gorilla/feeds":       {"checks/follow"},
	"github.com/parquet-go/":         {"web/surveys"},
	"modernc.org/sqlite":             {"web/store/sqlite"},
	"github.com/jackc/pgx/":          {"web/claims", "web/store/postgres"},
	"database/sql":                   {"web/store", "web/store/postgres", "web/store/sqlite", "web/jobs"},
	"github.com/riverqueue/":         {"web/jobs", "web/store", "web/store/postgres", "web/store/sqlite"}, // the stores for its tables and its way to them alone
	"github.com/spf13/":              {"cmd/mxseal"},
	"github.com/prometheus/":         {"web/metrics"},
	"golang.org/x/crypto/cryptobyte": {"checks/internal/hello"},
}

// keepersOfFiles narrows that to one file of the room.
var keepersOfFiles = map[string][]string{
	"github.com/go-chi/":            {"web.go", "guard.go", "api.go", "operations.go", "client.go", "posts.go"},
	"github.com/patrickmn/go-cache": {"cache.go"},
	"github.com/prometheus/":        {"metrics.go", "sources.go"},
}

// rooms are the only places at the top of the tree.
var rooms = []string{"cmd", "web", "checks", "templates", "static", "testdata", "go.mod", "go.sum",
	"Dockerfile", "Makefile", "README.md", "LICENSE", "CHANGELOG.md"}

func TestThePlanOfTheHouse(t *testing.T) {
	root := ".."
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(rooms, e.Name()) && e.Name() != "bin" && e.Name() != "data" {
			t.Errorf("%s stands at the top of the tree and is not in the plan", e.Name())
		}
	}
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(file)
		if d.IsDir() {
			if base := d.Name(); base == "testdata" || (strings.HasPrefix(base, ".") && base != ".." && base != ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		room := strings.TrimPrefix(path.Dir(name), "../")
		seen[room] = true
		may, planned := planned(room)
		if !planned {
			t.Errorf("%s is a room that the plan does not know", room)
			return nil
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range source.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if ours, ok := strings.CutPrefix(imported, module+"/"); ok && !covers(may, ours) {
				t.Errorf("%s imports %s: %s may not", name, ours, room)
			}
			for library, who := range keepers {
				if !strings.HasPrefix(imported, library) {
					continue
				}
				_, known := plan[room]
				if !slices.Contains(who, room) && (known || !slices.Contains(who, checkRooms)) {
					t.Errorf("%s imports %s: only %v may", name, imported, who)
				}
				if files := keepersOfFiles[library]; files != nil && !slices.Contains(files, path.Base(name)) {
					t.Errorf("%s imports %s: only %v may", name, imported, files)
				}
			}
			if standard := !strings.Contains(strings.Split(imported, "/")[0], "."); room == "checks/report" && !standard {
				t.Errorf("%s imports %s: report is a leaf and takes only the standard library", name, imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range plan {
		if !seen[room] {
			t.Errorf("the plan knows a room %s that is not there", room)
		}
	}
}

func covers(may []string, room string) bool {
	return slices.ContainsFunc(may, func(m string) bool {
		below, all := strings.CutSuffix(m, "/...")
		return m == room || all && strings.HasPrefix(room, below+"/")
	})
}

// Rooms named after nothing collect what belongs nowhere.
func TestNoDrawers(t *testing.T) {
	for room := range plan {
		for _, drawer := range []string{"util", "utils", "helpers", "helper", "common", "types", "models", "manager", "service", "base", "misc"} {
			if path.Base(room) == drawer {
				t.Errorf("%s is a drawer, not a room", room)
			}
		}
	}
}
