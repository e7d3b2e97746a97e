// Package sender judges a mail server by how it sends: which traps it was led into, what it did there,
// and what an attacker could do with the mail it sends.
//
// A trap is a mail domain made for one test. Each differs from an honest one in one respect, so that
// what a sender does with its one message tells one thing about it. Evidence is what was seen of the
// sender: questions of its resolver, fetches of policies, conversations. [Derive] says what became of
// each message, [Judge] what follows. Both are pure and know no clock.
//
// That a message does not come proves little: it may be on its way. Refusal is taken for proven where
// the sender met the trap and left, or where it has learnt what stops it (its TLSA records, its policy,
// a conversation that it left) and asked nothing more for a minute, while it dealt with other traps.
package sender
