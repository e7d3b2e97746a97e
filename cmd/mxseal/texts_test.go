package main

import (
	"regexp"
	"strings"
	"testing"

	"mxseal/testdata/texts"
)

// clumsy are words and phrases that a reader stumbles over, with what is said instead.
var clumsy = map[string]string{
	`travels? readable`:      "is sent unencrypted",
	`not better than`:        "what holds it at C",
	`by then`:                "after each step, before that",
	`mend(s|ed|ing)?`:        "fix",
	`honest mail`:            "legitimate mail",
	`grade comes about`:      "how grading works",
	`breaks by itself`:       "upcoming expiry dates",
	`what the words mean`:    "glossary",
	`readable encryption`:    "breakable ciphers",
	`needless step`:          "downgrade protection",
	`do(es)? not hold`:       "is invalid",
	`the youngest`:           "newest",
	`live for|\d+h0m0s`:      "are valid for 7 days",
	`chooses for the sender`: "so the weakest one decides",
	`stands?|standing`:       "is",
	`whoever`:                "anyone who, the operator of",
	`to the outside`:         "outward, to others",
}

func TestNoTextIsClumsy(t *testing.T) {
	list, err := texts.All("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 2000 {
		t.Fatalf("only %d texts", len(list))
	}
	for phrase, better := range clumsy {
		re := regexp.MustCompile(`(?i)(^|[^\w{])(` + phrase + `)($|[^\w}])`)
		for _, text := range list {
			if re.MatchString(text.Text) {
				t.Errorf("%s says %q (%s): %s", text.Where, strings.TrimSpace(re.FindString(text.Text)), better, text.Text)
			}
		}
	}
	if ease, _, _ := texts.Ease(list); ease < 55 {
		t.Errorf("the texts have a reading ease of %.1f", ease)
	}
}
