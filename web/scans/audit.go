package scans

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"mxseal/checks"
	"mxseal/checks/report"
)

// Audit is a file with a line of JSON for every check that is asked for and for every one
// that ends. It knows no addresses of readers. One client is told from another by a token, a
// hash of its network under a key that exists in memory only and is thrown away after a day:
// an operator sees that somebody asks for a thousand domains, and cannot find out who, nor
// whether it was the same one yesterday.
//
// When the file was moved away (logrotate), the next line goes into a new one. A nil *Audit
// writes nothing. It is safe for concurrent use.
type Audit struct {
	path string
	log  *slog.Logger

	mu       sync.Mutex
	file     *os.File
	failing  bool // the last line could not be written, and that was logged
	key      []byte
	keyUntil time.Time
	refused  *checks.Allowance[netip.Prefix] // clients over their limit: one line a minute each
}

const keyKept = 24 * time.Hour

// OpenAudit opens the file, to append to it.
func OpenAudit(path string, log *slog.Logger) (*Audit, error) {
	a := &Audit{path: path, log: log, refused: &checks.Allowance[netip.Prefix]{N: 1, Span: time.Minute, Octets: 1 << 20}}
	if err := a.open(); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Audit) open() (err error) {
	a.file, err = os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	return err
}

// Close closes the file.
func (a *Audit) Close() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}

// askedLine is the line of a check that somebody asked for.
type askedLine struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`            // asked
	Domain  string    `json:"domain,omitempty"` // A-label; absent where a client was over its limit before it was read
	By      string    `json:"by,omitempty"`     // form, api; absent for the program itself
	Client  string    `json:"client,omitempty"` // token of the day
	Outcome string    `json:"outcome"`          // started, joined, fresh, refused, failed
	Reason  string    `json:"reason,omitempty"` // of a refusal: one of Reasons
	Report  string    `json:"report,omitempty"` // id of the report that there is or will be
}

// endedLine is the line of a check that has ended.
type endedLine struct {
	Time        time.Time     `json:"time"`
	Event       string        `json:"event"` // ended
	Domain      string        `json:"domain"`
	Report      string        `json:"report"`
	Outcome     string        `json:"outcome"` // done; interrupted; failed, where there is no report
	MS          int64         `json:"ms"`
	Connections int           `json:"connections"`
	Letter      report.Letter `json:"letter,omitempty"`
	Provisional bool          `json:"provisional,omitempty"`
}

// asked notes what became of a wish.
func (a *Audit) asked(who Client, line askedLine) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	line.Time, line.Event = time.Now().UTC(), "asked"
	if who.By != "" {
		line.By, line.Client = who.By, a.token(who.Network(smallest))
	}
	a.write(line)
}

// refusedUnread notes a client that was refused before its wish was read, once a minute.
func (a *Audit) refusedUnread(who Client) {
	if a != nil && a.refused.Take(who.Network(smallest)) == 0 {
		a.asked(who, askedLine{Outcome: "refused", Reason: string(ClientDay)})
	}
}

// ended notes what came of a check; r is nil where it made no report.
func (a *Audit) ended(c *Scan, r *report.Report) {
	if a == nil {
		return
	}
	line := endedLine{Time: time.Now().UTC(), Event: "ended", Domain: c.Domain.ASCII, Report: c.ID, Outcome: "failed"}
	if r != nil {
		line.Outcome, line.MS, line.Connections = "done", r.ElapsedMS, r.Connections
		if r.Interrupted != "" {
			line.Outcome = "interrupted"
		}
		if r.Grade != nil {
			line.Letter, line.Provisional = r.Grade.Letter, r.Grade.Provisional
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.write(line)
}

// token stands for a client today. a.mu is held.
func (a *Audit) token(client netip.Prefix) string {
	if now := time.Now(); !now.Before(a.keyUntil) {
		a.key, a.keyUntil = make([]byte, sha256.Size), now.Add(keyKept)
		rand.Read(a.key) // never fails
	}
	h := hmac.New(sha256.New, a.key)
	h.Write([]byte(client.String()))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// write adds a line in one piece. What cannot be written is lost, and the log says so once.
// a.mu is held.
func (a *Audit) write(line any) {
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(line)
	if err == nil {
		err = a.follow()
	}
	if err == nil {
		_, err = a.file.Write(b.Bytes())
	}
	if err != nil && !a.failing {
		a.log.Error("the audit log cannot be written", "error", err)
	}
	a.failing = err != nil
}

// follow opens the file anew where another one, or none, stands at its path. a.mu is held.
func (a *Audit) follow() error {
	there, err := os.Stat(a.path)
	if err == nil {
		ours, err := a.file.Stat()
		if err == nil && os.SameFile(there, ours) {
			return nil
		}
	}
	old := a.file
	if err := a.open(); err != nil {
		a.file = old
		return fmt.Errorf("open it again: %w", err)
	}
	old.Close() // its lines are written; nothing is lost with it
	return nil
}
