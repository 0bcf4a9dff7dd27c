package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/plantainhq/plantain/gemini"
)

// An answer is one that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// here stands for the relay of this process in an address.
const here = "http://plantain"

// exchange sends a request and reads its answer.
func exchange(through http.RoundTripper, r *http.Request) (answer, error) {
	res, err := through.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return answer{res.StatusCode, res.Header, body}, nil
}

// refusal is what an answer says that is none.
func (a answer) refusal() error {
	var said struct{ Error struct{ Message string } }
	_ = json.Unmarshal(a.body, &said) // no JSON: the status says it
	return errors.New(cmp.Or(said.Error.Message, fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))))
}

// facts are what the wire says in it.
func (a answer) facts() gemini.Body {
	scan := gemini.NewScanner(a.header.Get("Content-Type"))
	_, _ = scan.Write(a.body)
	return scan.Finish()
}
