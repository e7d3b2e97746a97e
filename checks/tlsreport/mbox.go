package tlsreport

import (
	"bufio"
	"bytes"
	"io"
)

// oneMail reads one mail of an mbox, up to the line “From ” of the next. A line that is longer than
// the buffer is none.
type oneMail struct {
	in    *bufio.Reader
	rest  []byte
	blank bool // the line before was empty
	split bool // the line before has not ended
	ended bool
}

// begin skips the line “From ”; io.EOF stands for no more mails.
func (m *oneMail) begin() error {
	for {
		line, err := m.in.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			_, err = m.in.ReadSlice('\n')
		}
		if bytes.HasPrefix(line, []byte("From ")) || err != nil {
			return err
		}
	}
}

// Read reads on.
func (m *oneMail) Read(p []byte) (int, error) {
	if len(m.rest) == 0 {
		if err := m.line(); err != nil {
			return 0, err
		}
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

func (m *oneMail) line() error {
	if m.ended {
		return io.EOF
	}
	if m.blank && !m.split {
		if next, _ := m.in.Peek(5); bytes.Equal(next, []byte("From ")) {
			m.ended = true
			return io.EOF
		}
	}
	line, err := m.in.ReadSlice('\n')
	if len(line) == 0 && err != nil {
		m.ended = err == io.EOF
		return err
	}
	m.blank, m.split = !m.split && len(bytes.TrimRight(line, "\r\n")) == 0, err == bufio.ErrBufferFull
	m.rest = line
	return nil
}
