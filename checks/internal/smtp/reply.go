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
	maxLines = 1000     // of a reply
	maxTotal = 64 << 10 // octets of all replies of a session
)

var (
	errLines  = fmt.Errorf("a reply of more than %d lines", maxLines)
	errTotal  = fmt.Errorf("more than %d octets of replies", maxTotal)
	errNoCode = errors.New("no SMTP reply code")
)

// Reply is one reply of the server, its lines cleaned and without their codes.
type Reply struct {
	Code  int
	Lines []string // at least one
	raw   []string // as they came, without their ends; those that are no lines of a reply too
}

// String is the reply on one line, as it is quoted.
func (r Reply) String() string {
	return report.Clean(strings.TrimSpace(strconv.Itoa(r.Code)+" "+strings.Join(r.Lines, " ")), maxText)
}

// replies reads the server's side of a conversation within bounds.
type replies struct {
	in       *bufio.Reader // of maxLine octets
	heard    func(line string)
	garbled  func() // told of a line that is no reply, nor empty, where one should begin; may be nil
	octets   int
	oddities []report.Oddity
}

// next reads one reply to its last line, as Postfix does: what is no line of a reply is passed
// over, and of several codes the last one counts (RFC 5321 §4.2.1 wants them equal). The error
// is errNoCode where nothing but such lines came, one of the limits, or that of the connection;
// the lines until then are returned with it.
func (r *replies) next() (Reply, error) {
	var reply Reply
	garbage := false
	for len(reply.raw) < maxLines {
		line, err := r.line()
		switch {
		case err == nil:
		case garbage && reply.Code == 0:
			return reply, errNoCode
		case err == io.EOF && len(reply.raw) > 0:
			return reply, io.ErrUnexpectedEOF
		default:
			return reply, err
		}
		reply.raw = append(reply.raw, line)
		code, text, last, ok := parseLine(line)
		switch {
		case strings.TrimSpace(line) == "":
			r.odd(report.OddEmptyLine)
			continue
		case !ok:
			r.odd(report.OddNoCode)
			if reply.Code == 0 {
				if garbage = true; r.garbled != nil {
					r.garbled()
				}
				continue
			}
		case code < 200 || code > 559:
			r.odd(report.OddCode)
		}
		if ok && reply.Code != 0 && code != reply.Code {
			r.odd(report.OddMixedCodes)
		}
		if ok {
			reply.Code = code
		}
		reply.Lines = append(reply.Lines, report.Clean(text, maxText))
		if ok && last {
			return reply, nil
		}
	}
	return reply, errLines
}

// line reads one line without its end. What is beyond the bound of a line is left out.
func (r *replies) line() (string, error) {
	b, err := r.in.ReadSlice('\n')
	r.octets += len(b)
	if err == bufio.ErrBufferFull {
		b = bytes.Clone(b)
	}
	for err == bufio.ErrBufferFull && r.octets <= maxTotal {
		var more []byte
		more, err = r.in.ReadSlice('\n')
		r.octets += len(more)
	}
	if len(b) > 512 {
		r.odd(report.OddLongLine)
	}
	switch {
	case r.octets > maxTotal:
		return "", errTotal
	case err != nil && len(b) > 0:
		r.heard(report.Clean(string(b), maxText))
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	case err != nil:
		return "", err
	}
	b = bytes.TrimSuffix(b, []byte("\n"))
	if !bytes.HasSuffix(b, []byte("\r")) && len(b) < maxLine {
		r.odd(report.OddBareLF)
	}
	line := string(bytes.TrimSuffix(b, []byte("\r")))
	// textstring of RFC 5321 §4.2: HTAB, SP and the printable characters of US-ASCII.
	if strings.ContainsFunc(line, func(c rune) bool { return c != '\t' && (c < ' ' || c > '~') }) {
		r.odd(report.OddNonASCII)
	}
	r.heard(report.Clean(line, maxText))
	return line, nil
}

// waiting returns the lines that have come and were not read, as they are.
func (r *replies) waiting() []string {
	b, _ := r.in.Peek(r.in.Buffered())
	if len(b) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

func (r *replies) odd(what report.Oddity) {
	if !slices.Contains(r.oddities, what) {
		r.oddities = append(r.oddities, what)
	}
}

// parseLine takes a line of a reply apart (RFC 5321 §4.2): a code of three digits, then a
// hyphen when more lines follow, a space or nothing when it is the last. Codes that SMTP does
// not have are read like others, by their first digit.
func parseLine(line string) (code int, text string, last, ok bool) {
	if len(line) < 3 || line[0] == '0' {
		return 0, line, false, false
	}
	for i := range 3 {
		if line[i] < '0' || line[i] > '9' {
			return 0, line, false, false
		}
		code = code*10 + int(line[i]-'0')
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
