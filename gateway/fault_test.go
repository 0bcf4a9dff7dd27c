package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheLogIsSilentOnWhoeverLeft(t *testing.T) {
	t.Parallel()
	for err, told := range map[error]bool{fmt.Errorf("read: %w", context.Canceled): false, errors.New("disk full"): true} {
		for name, fault := range map[string]func(g *Gateway, w http.ResponseWriter){
			"gallery": func(g *Gateway, w http.ResponseWriter) { g.imageFault(w, err) },
			"ledger":  func(g *Gateway, w http.ResponseWriter) { g.answerOrErr(w, nil, err) },
		} {
			var log bytes.Buffer
			fault(&Gateway{Log: slog.New(slog.NewTextHandler(&log, nil))}, httptest.NewRecorder())
			if (log.Len() > 0) != told {
				t.Errorf("%s, %v: the log says %q", name, err, log.String())
			}
		}
	}
}
