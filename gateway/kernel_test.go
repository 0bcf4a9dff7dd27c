package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/internal/spool"
	"github.com/plantainhq/plantain/pool"
	"github.com/plantainhq/plantain/relay"
)

// watched is a TCP listener whose connections count what they are handed as a file,
// which is what Go has the kernel send.
type watched struct {
	net.Listener
	files atomic.Int64 // bytes
}

func (l *watched) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{c.(*net.TCPConn), &l.files}, nil
}

type watchedConn struct {
	*net.TCPConn
	files *atomic.Int64
}

func (c *watchedConn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if ok {
		_, ok = limited.R.(*os.File)
	}
	n, err := c.TCPConn.ReadFrom(r)
	if ok {
		c.files.Add(n)
	}
	return n, err
}

// An answer that is in a file goes from the relay's spool to the client's connection
// without being read into this process.
func TestTheKernelSendsWhatIsInAFile(t *testing.T) {
	t.Parallel()
	bodies, err := spool.New(t.TempDir(), 1) // a byte of memory: all but first chunks is on the disk
	if err != nil {
		t.Fatal(err)
	}
	image := strings.Repeat("iVBORw0KGgo", 200_000)
	said := `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"` + image + `"}}],"role":"model"},"finishReason":"STOP"}],` +
		`"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1120,"totalTokenCount":1125}}`
	transport := &relay.Transport{
		Pool:     pool.New([]pool.Member{{Project: plantain.Project{Name: "a", Kind: plantain.Gemini}, Limits: func(plantain.Model) pool.Limits { return nil }}}),
		Settings: relay.Settings{Ways: map[plantain.ProjectName]relay.Way{"a": {Upstream: relay.KeyUpstream{Key: plantain.NewSecret("k")}}}},
		Spool:    bodies,
		Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
				Body: io.NopCloser(strings.NewReader(said)), ContentLength: int64(len(said))}, nil
		}),
	}
	server := httptest.NewUnstartedServer((&Gateway{Relay: transport}).Handler())
	listener := &watched{Listener: server.Listener}
	server.Listener = listener
	server.Start()
	t.Cleanup(func() {
		server.Close()
		_ = transport.Close(context.Background())
	})
	res, err := http.Post(server.URL+"/v1beta/models/gemini-3.1-flash-image:generateContent", "application/json",
		strings.NewReader(`{"contents":[{"parts":[{"text":"a red apple"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || string(got) != said {
		t.Fatalf("%v: %s, %d bytes of %d", err, res.Status, len(got), len(said))
	}
	if n := listener.files.Load(); n < int64(len(said))*9/10 {
		t.Errorf("the kernel was handed %d bytes of %d", n, len(said))
	}
}
