package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
)

var (
	// statusLine begins a response, as on the wire, in `curl -i` and in `curl -v`.
	statusLine  = regexp.MustCompile(`(?m)^(?:< )?HTTP/(?:1\.[01]|2(?:\.0)?|3(?:\.0)?) ([1-5][0-9][0-9])\b([^\r\n]*)\r?$`)
	requestLine = regexp.MustCompile(`(?m)^(?:> )?(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT) (\S+) HTTP/[0-9.]+\r?$`)
	curlNotes   = regexp.MustCompile(`(?m)^(?:[*] .*|[{}] \[[0-9]+ bytes data\]|[ 0-9]+(?:--:--:--|[0-9:]+) .*|[> ].*)\r?\n`)
	curlEnd     = regexp.MustCompile(`\r?\n\* (?:Connection #[0-9]+|Closing connection)[^\n]*\s*$`)
)

// maxUnzipped bounds what a compressed body may grow to.
const maxUnzipped = 256 << 20

// readMessages reads HTTP responses with their headers; nil: there are none.
// Interim ones, tunnels and redirections are only the way to an answer.
func readMessages(text []byte) []Exchange {
	if !bytes.Contains(text, []byte("HTTP/")) {
		return nil
	}
	starts := statusLine.FindAllSubmatchIndex(text, -1)
	if len(starts) == 0 {
		return nil
	}
	requests := requestLine.FindAllSubmatchIndex(text, -1)
	var found []Exchange
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		var path string
		for _, r := range requests {
			switch {
			case r[0] < at[0]:
				path = string(text[r[2]:r[3]])
			case r[0] < end:
				end = r[0]
			}
		}
		status, _ := strconv.Atoi(string(text[at[2]:at[3]])) // three digits
		tunnel := bytes.Contains(bytes.ToLower(text[at[4]:at[5]]), []byte("connection established"))
		if status < 200 || status >= 300 && status < 400 || tunnel {
			continue
		}
		x := readMessage(status, text[at[1]:end])
		x.Model = modelOf(path)
		found = append(found, x)
	}
	if len(found) > 1 {
		for i := range found {
			found[i].ID = "response " + strconv.Itoa(i+1)
		}
	}
	return found
}

// readMessage reads what follows the status line.
func readMessage(status int, rest []byte) Exchange {
	rest = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte("\r")), []byte("\n"))
	header, body := splitHeader(rest)
	x := Exchange{Facts: gemini.Facts{Stage: plantain.Done, Status: status, Header: header}}
	x.At, _ = http.ParseTime(header.Get("Date"))
	x.Facts.Body = scan(header.Get("Content-Type"), decoded(header, body))
	return x
}

// splitHeader parts the header from the body at the first blank line.
func splitHeader(rest []byte) (http.Header, []byte) {
	var lines bytes.Buffer
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		rest = after
		if bytes.HasPrefix(line, []byte("* ")) || bytes.HasPrefix(line, []byte("{ [")) {
			continue // notes of curl -v
		}
		line = bytes.TrimPrefix(line, []byte("<"))
		if line = bytes.TrimPrefix(line, []byte(" ")); len(line) == 0 {
			break
		}
		lines.Write(line)
		lines.WriteString("\r\n")
	}
	lines.WriteString("\r\n")
	header, err := textproto.NewReader(bufio.NewReader(&lines)).ReadMIMEHeader()
	if err != nil && header == nil {
		header = textproto.MIMEHeader{}
	}
	if bytes.HasPrefix(rest, []byte("{ [")) || bytes.HasPrefix(rest, []byte("* ")) {
		rest = curlNotes.ReplaceAll(rest, nil)
	}
	return http.Header(header), curlEnd.ReplaceAll(rest, nil)
}

// decoded undoes the transfer and content codings, if the capture still has them.
func decoded(header http.Header, body []byte) []byte {
	if strings.EqualFold(header.Get("Transfer-Encoding"), "chunked") && chunkSize.Match(body) {
		// What was cut is decoded as far as it goes.
		body, _ = io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
	}
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(io.LimitReader(z, maxUnzipped))
		}
	}
	return body
}

var chunkSize = regexp.MustCompile(`^[0-9A-Fa-f]{1,8}(?:;[^\r\n]*)?\r?\n`)
