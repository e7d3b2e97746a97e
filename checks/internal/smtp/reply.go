package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"mxseal/checks/report"
)

const (
	maxLine  = 4096     // octets of a line, line end included; RFC 5321 §4.5.3.1.5 allows 512
	maxLines = 100      // of a reply
	maxTotal = 64 << 10 // octets of all replies of a session
)

var (
	errLine   = fmt.Errorf("a line of more than %d octets", maxLine)
	errLines  = fmt.Errorf("a reply of more than %d lines", maxLines)
	errTotal  = fmt.Errorf("more than %d octets of replies", maxTotal)
	errNoCode = errors.New("no SMTP reply code")
)

// Reply is one reply of the server, its lines cleaned and without their codes.
type Reply struct {
	Code  int
	Lines []string // at least one
}

// String is the reply on one line, as it is quoted.
func (r Reply) String() string {
	return report.Clean(strings.TrimSpace(strconv.Itoa(r.Code)+" "+strings.Join(r.Lines, " ")), maxText)
}

// replies reads the server's side of a conversation within bounds.
type replies struct {
	in       *bufio.Reader // of maxLine octets
	heard    func(line string)
	octets   int
	oddities []string
}

// next reads one reply to its last line. Of a reply with several codes the last one counts
// (RFC 5321 §4.2.1 wants them equal). The error is errNoCode for what is no reply, one of
// the limits, or that of the connection; the lines until then are returned with it.
func (r *replies) next() (Reply, error) {
	var reply Reply
	for len(reply.Lines) < maxLines {
		line, err := r.line()
		if err != nil {
			if err == io.EOF && len(reply.Lines) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return reply, err
		}
		code, text, last, ok := parseLine(line)
		clean := report.Clean(text, maxText)
		switch {
		case ok && reply.Code != 0 && code != reply.Code:
			r.odd("mixed-codes")
			reply.Code = code
		case ok:
			reply.Code = code
		default:
			r.odd("no-code")
		}
		reply.Lines = append(reply.Lines, clean)
		if !ok && reply.Code == 0 {
			return reply, errNoCode
		}
		if ok && last {
			return reply, nil
		}
	}
	return reply, errLines
}

// line reads one line without its end.
func (r *replies) line() (string, error) {
	b, err := r.in.ReadSlice('\n')
	r.octets += len(b)
	switch {
	case err == bufio.ErrBufferFull:
		r.odd("long-line")
		r.heard(report.Clean(string(b), maxText))
		return "", errLine
	case err != nil && len(b) > 0:
		r.heard(report.Clean(string(b), maxText))
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	case err != nil:
		return "", err
	case r.octets > maxTotal:
		return "", errTotal
	}
	if len(b) > 512 {
		r.odd("long-line")
	}
	b = b[:len(b)-1]
	if !bytes.HasSuffix(b, []byte("\r")) {
		r.odd("bare-lf")
	}
	line := string(bytes.TrimSuffix(b, []byte("\r")))
	// textstring of RFC 5321 §4.2: HTAB, SP and the printable characters of US-ASCII.
	if strings.ContainsFunc(line, func(c rune) bool { return c != '\t' && (c < ' ' || c > '~') }) {
		r.odd("non-ascii")
	}
	r.heard(report.Clean(line, maxText))
	return line, nil
}

func (r *replies) odd(what string) {
	if !slices.Contains(r.oddities, what) {
		r.oddities = append(r.oddities, what)
	}
}

// parseLine takes a line of a reply apart (RFC 5321 §4.2): a code of 200 to 559, then a
// hyphen when more lines follow, a space or nothing when it is the last.
func parseLine(line string) (code int, text string, last, ok bool) {
	if len(line) < 3 {
		return 0, line, false, false
	}
	for i := range 3 {
		if line[i] < '0' || line[i] > '9' {
			return 0, line, false, false
		}
		code = code*10 + int(line[i]-'0')
	}
	if code < 200 || code > 559 {
		return 0, line, false, false
	}
	switch rest := line[3:]; {
	case rest == "":
		return code, "", true, true
	case rest[0] == ' ':
		return code, rest[1:], true, true
	case rest[0] == '-':
		return code, rest[1:], false, true
	}
	return 0, line, false, false
}
