package differential

import (
	"fmt"
	"os"
	"testing"
)

// the is the world that all tests share.
var the *world

// TestMain makes the world. What is missing fails the run; nothing is skipped.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	var err error
	the, err = newWorld()
	defer func() {
		if err := the.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "differential:", err)
			code = 1
		}
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		return 1
	}
	return m.Run()
}
