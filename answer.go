package plantain

import "time"

// An Answer is what is owed to a repeated request: to whom, how it was answered,
// and until when it is kept. Its body is no part of it.
type Answer struct {
	Claim
	Client  ClientName
	Request RequestID           // the one that was answered
	Status  int                 // HTTP status
	Header  map[string][]string // of the answer, as it was sent
	Size    int64               // of its body; below zero: the body is kept no more, or could not be
	Unknown bool                // what it was charged is not known
	Kept    time.Time           // since when; zero: it is not final
}

// A Claim is what a request is known by when it comes again. The zero value is
// none: then it is not owed the same answer.
type Claim struct {
	// Key is the SHA-256 of its Idempotency-Key, in hex; where it had none, its id.
	Key     string
	Call    string // the SHA-256 of all that must be the same, in hex; empty without an Idempotency-Key
	Expires time.Time
}
