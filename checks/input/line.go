package input

import "bufio"

// Line reads the next line of a list, without its end. Of one that is longer than the buffer only the
// beginning is looked at. io.EOF stands for no more lines.
func Line(in *bufio.Reader) (string, error) {
	line, more, err := in.ReadLine()
	text := string(line)
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	if text != "" { // what ended it ends the next one
		return text, nil
	}
	return "", err
}
