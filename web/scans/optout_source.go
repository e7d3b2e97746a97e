package scans

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"time"
)

// fetchTime is how long others may take to say the list.
const fetchTime = 2 * time.Second

// stamp tells one state of a list from another.
type stamp struct {
	changed time.Time
	size    int64
	sum     [sha256.Size]byte
	fault   string // why it could not be looked at
}

// listReader returns the text of a list and what its state is now. Where that is the last one, there need be
// no text.
type listReader func(last stamp) (text []byte, now stamp, err error)

// inFile reads a list from a file.
func inFile(path string) listReader {
	return func(last stamp) (text []byte, now stamp, err error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, stamp{fault: err.Error()}, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, stamp{fault: err.Error()}, err
		}
		if now = (stamp{changed: info.ModTime(), size: info.Size()}); now != last {
			text, err = io.ReadAll(f)
		}
		return text, now, err
	}
}

// fetched reads a list from where another process has put it.
func fetched(fetch func(context.Context) ([]byte, error)) listReader {
	return func(stamp) (text []byte, now stamp, err error) {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
		defer cancel()
		if text, err = fetch(ctx); err != nil {
			return nil, stamp{fault: "it is away"}, err
		}
		return text, stamp{sum: sha256.Sum256(text)}, nil
	}
}
