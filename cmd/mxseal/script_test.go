package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mxseal/checks/input"
	"mxseal/checks/lab"
	"mxseal/checks/report"
)

// The commands as people and programs run them: each script in testdata/script opens with
// what it promises. “lab” puts the example internet into the environment, “exits 3 mxseal …”
// runs a command that must end with that code, and “await FILE PATTERN” waits until a program in
// the background has written it. “certificates FILE PEM” takes the first chain out of what probe said.
func TestScripts(t *testing.T) {
	flags := sockets(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("MXSEAL_RESOLVER", "127.0.0.1:9") // nobody, until “lab”: no script asks the internet
			for i := range 3 {
				e.Setenv("PORT"+strconv.Itoa(i+1), freePort(t))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"lab": func(s *testscript.TestScript, _ bool, _ []string) {
				given := make(map[string]string)
				for i := 0; i < len(flags); i += 2 {
					name := "MXSEAL_" + strings.ToUpper(strings.ReplaceAll(flags[i][2:], "-", "_"))
					given[name] = strings.TrimSpace(given[name] + " " + flags[i+1])
				}
				for name, value := range given {
					s.Setenv(name, value)
				}
			},
			"exits": func(s *testscript.TestScript, neg bool, args []string) {
				want, err := strconv.Atoi(args[0])
				s.Check(err)
				code := 0
				var ended *exec.ExitError
				if err := s.Exec(args[1], args[2:]...); errors.As(err, &ended) {
					code = ended.ExitCode()
				} else {
					s.Check(err)
				}
				if neg || code != want {
					s.Fatalf("exit %d, want %d", code, want)
				}
			},
			"certificates": func(s *testscript.TestScript, _ bool, args []string) {
				s.Check(os.WriteFile(s.MkAbs(args[1]), chainsOf(s, args[0]), 0o600))
			},
			"await": func(s *testscript.TestScript, _ bool, args []string) {
				pattern := regexp.MustCompile(args[1])
				for since := time.Now(); !pattern.MatchString(s.ReadFile(args[0])); time.Sleep(10 * time.Millisecond) {
					if time.Since(since) > patience {
						s.Fatalf("%s never held %s:\n%s", args[0], args[1], s.ReadFile(args[0]))
					}
				}
			},
		},
	})
}

// chainsOf is the chain that the first address of a report showed, as a server is given it.
func chainsOf(s *testscript.TestScript, file string) []byte {
	var r report.Report
	s.Check(json.Unmarshal([]byte(s.ReadFile(file)), &r))
	leaf := r.Hosts[0].Addresses[0].Certificates[0]
	var text []byte
	for _, c := range append([]*report.Certificate{leaf}, leaf.Chain...) {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER})...)
	}
	return text
}

// given are domains that are all known.
func given(domains []input.Domain) <-chan input.Domain {
	c := make(chan input.Domain, len(domains))
	for _, d := range domains {
		c <- d
	}
	close(c)
	return c
}

// A list of domains is checked several at a time and never all at once; the reports come in
// the order of the list.
func TestManyDomainsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		var begun atomic.Int32
		let := make(chan struct{})
		engine, err := labEngine(world, 0, func(context.Context, string) *report.Report { // asked at the start of each check
			begun.Add(1)
			<-let
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var domains []input.Domain
		for _, d := range world.Domains()[:20] {
			domain, err := engine.ParseDomain(d.Name)
			if err != nil {
				t.Fatal(err)
			}
			domains = append(domains, domain)
		}
		var shown []string
		ended := make(chan error, 1)
		go func() {
			ended <- runAll(t.Context(), engine, given(domains), atOnce, strictly, newProgress(io.Discard, nil), func(r *report.Report) error {
				shown = append(shown, r.Domain)
				return nil
			})
		}()
		synctest.Wait()
		if n := begun.Load(); n != atOnce {
			t.Errorf("%d of %d checks run at once, want %d", n, len(domains), atOnce)
		}
		close(let)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		for i, d := range domains {
			if shown[i] != d.ASCII {
				t.Fatalf("report %d is that of %s, want %s", i+1, shown[i], d.ASCII)
			}
		}
	})
}

// Six domains of three hundred that hang until their time is over hold up neither the first
// report nor the end. The clock is that of the bubble.
func TestDomainsThatHangHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer world.Close()
		engine, err := labEngine(world, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		quick, hang := []string{"dane.test", "sts.test", "certificate.test", "null-mx.test", "perfect.test"}, []string{"silent.test", "endless.test"}
		var domains []input.Domain
		for i := range 300 {
			name := quick[i%len(quick)]
			if i < 3 || i == 100 || i == 101 || i == 102 {
				name = hang[i%len(hang)]
			}
			domain, err := engine.ParseDomain(name)
			if err != nil {
				t.Fatal(err)
			}
			domains = append(domains, domain)
		}
		began, first, shown, longest := time.Now(), time.Duration(0), 0, time.Duration(0)
		err = runAll(t.Context(), engine, given(domains), atOnce, nearly, newProgress(io.Discard, nil), func(r *report.Report) error {
			if shown++; shown == 1 {
				first = time.Since(began)
			}
			longest = max(longest, time.Duration(r.ElapsedMS)*time.Millisecond)
			return nil
		})
		all := time.Since(began)
		t.Logf("first report after %v, all %d after %v; the longest check took %v", first, shown, all, longest)
		if err != nil || shown != len(domains) {
			t.Fatalf("%d reports of %d: %v", shown, len(domains), err)
		}
		if longest < time.Minute {
			t.Fatalf("nothing hung: the longest check took %v", longest)
		}
		if first > 5*time.Second {
			t.Errorf("the first report came after %v", first)
		}
		if most := longest + longest/10; all > most {
			t.Errorf("all took %v, want at most %v", all, most)
		}
	})
}
