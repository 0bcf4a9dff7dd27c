package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain/gemini"
)

// Bounds of a log: a record longer than that is cut, as no error is as long.
const maxRecord = 1 << 20

var (
	// recordStart is how a line begins that is a record of its own: with a time, a
	// level or an object. Other lines go on with the record before.
	recordStart = regexp.MustCompile(`^\s*(?:\[?(?:\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:)|[IWEF]\d{4} |\{"|(?:\x{FEFF})?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b)`)
	// concerns is what a record must name, in lower case, to be about Google's models.
	concerns = []string{"gemini", "generativelanguage", "googleapis", "genai", "vertex", "imagen", "nano", "googlegenerativeai",
		"google.api_core", "generativeai", "resource_exhausted", "invalid_argument", "permission_denied", "unavailable", "failed_precondition", "deadline_exceeded",
		"finishreason", "finish_reason", "blockreason", "block_reason", "image_safety", "plantain", "openrouter", "litellm"}
	statusWord = regexp.MustCompile(`(?i)\b(?:HTTP(?:/[0-9.]+)?|status(?:[ _]?code)?|error(?: code)?|response)["'\s:=(\[]*([45][0-9][0-9])\b` +
		`|\b([45][0-9][0-9])\]?\s*(?:-\s*\{|Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|Request Entity|Payload Too|Too Many Requests|Client Closed|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)` +
		`|^\s*([45][0-9][0-9])[ :]` +
		`|\b(?:exceptions?\.[A-Za-z]+|[A-Za-z]*(?:Error|Exception)): ([45][0-9][0-9])\b`)
	timeWord = regexp.MustCompile(`(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?`)
)

// statusIn gives the HTTP status that a text names; zero: none.
func statusIn(text string) int {
	m := statusWord.FindStringSubmatch(shortened(text))
	if m == nil {
		return 0
	}
	status, _ := strconv.Atoi(m[1] + m[2] + m[3] + m[4])
	return status
}

// shortened leaves out the middle of a text that is longer than what is read of one:
// the trace of a stack names the error at its end.
func shortened(text string) string {
	const start, end = 4 << 10, gemini.MaxText - 4<<10 - 1
	if len(text) <= gemini.MaxText || isPage([]byte(text)) {
		return text
	}
	return text[:start] + "\n" + text[len(text)-end:]
}

// timeIn gives the first time that a text names; zero: none. Without a zone it is
// taken as UTC.
func timeIn(text string) time.Time {
	m := timeWord.FindStringSubmatch(text[:min(len(text), 4<<10)])
	if m == nil {
		return time.Time{}
	}
	zone := strings.Replace(m[5], ":", "", 1)
	if zone == "" {
		zone = "Z"
	}
	t, err := time.Parse("2006-01-02 15:04:05Z0700", m[1]+"-"+m[2]+"-"+m[3]+" "+m[4]+zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// readLog finds the records of a log that show an exchange which went wrong, or an
// answer; if the text is no log, it is one record.
func readLog(text []byte) []Exchange {
	var found []Exchange
	// Reading from memory does not fail.
	_ = ReadLog(bytes.NewReader(text), func(x Exchange) { found = append(found, x) })
	if len(found) == 1 {
		found[0].ID = ""
	}
	return found
}

// ReadLog finds the exchanges in a log of any length, and tells of each as it is
// found; its ID is the line where it begins. It errs only if reading does.
func ReadLog(from io.Reader, found func(Exchange)) error {
	lines := bufio.NewReaderSize(from, 64<<10)
	var record strings.Builder
	began := 1
	end := func() {
		if x, ok := readRecord(record.String()); ok {
			x.ID = "line " + strconv.Itoa(began)
			found(x)
		}
		record.Reset()
	}
	for n := 1; ; n++ {
		line, err := readLogLine(lines)
		if record.Len() > 0 && recordStart.MatchString(line) {
			end()
		}
		if record.Len() == 0 {
			began = n
		}
		record.WriteString(line[:min(len(line), maxRecord-record.Len())])
		if errors.Is(err, io.EOF) {
			end()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLogLine reads a line with its end; what is too long for a record is dropped.
func readLogLine(from *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		piece, err := from.ReadSlice('\n')
		b.Write(piece[:min(len(piece), maxRecord-b.Len())])
		if !errors.Is(err, bufio.ErrBufferFull) {
			return b.String(), err
		}
	}
}

// readRecord reads what one record of a log, or the text of an SDK, tells; false:
// nothing of an exchange is in it.
func readRecord(text string) (Exchange, bool) {
	if x, ok := readError(text); ok {
		return x, true
	}
	if !concernsGoogle(text) {
		return Exchange{}, false
	}
	x := Exchange{At: timeIn(text), Model: modelOf(text)}
	body, whole := answerIn(text)
	var fields any
	if !whole && json.Unmarshal([]byte(text), &fields) == nil {
		text = "log:" + texts(fields)
		body, whole = answerIn(text)
	}
	if whole {
		x.Facts = gemini.Facts{Body: body}
		return x, true
	}
	x.Facts = gemini.Facts{Status: statusIn(text), Body: scan("text/plain", []byte(shortened(text)))}
	told := x.Facts.Status != 0 || len(x.Facts.Body.Errors) > 0 || mark(text, "finishreason", "finish_reason", "blockreason", "block_reason", "image_safety")
	return x, told
}

// errorStart is how the body of an error begins, alone or in the list of a stream.
var errorStart = regexp.MustCompile(`^\s*(?:\[\s*)?\{\s*"error"\s*:\s*\{`)

// readError reads a record that is the body of an error, as Google writes them or with
// a word of Google in it.
func readError(text string) (Exchange, bool) {
	if !errorStart.MatchString(text) {
		return Exchange{}, false
	}
	body := scan("", []byte(text))
	googles := slices.ContainsFunc(body.Errors, func(e gemini.ErrorFacts) bool {
		return e.Code != 0 && e.Status != "" && e.Status == strings.ToUpper(e.Status)
	})
	if !googles && !(concernsGoogle(text) && says(&body) && isGoogle(&body)) {
		return Exchange{}, false
	}
	return Exchange{At: timeIn(text), Model: modelOf(text), Facts: gemini.Facts{Body: body}}, true
}

// answerStart is how an answer begins inside a text, in JSON or Python.
var answerStart = regexp.MustCompile(`\{\s*["'](?:candidates|promptFeedback|prompt_feedback|predictions)["']`)

// answerIn finds a whole answer inside a text.
func answerIn(text string) (gemini.Body, bool) {
	at := answerStart.FindStringIndex(text)
	if at == nil {
		return gemini.Body{}, false
	}
	text = text[at[0]:]
	var raw json.RawMessage
	if json.NewDecoder(strings.NewReader(text)).Decode(&raw) != nil {
		printed, _ := gemini.Printed(text)
		raw = json.RawMessage(printed)
	}
	body := scan("", raw)
	return body, body.Complete && (body.Candidates > 0 || body.BlockReason != "" || len(body.Parts) > 0 || body.FinishMessage != "")
}

// texts joins what a log that is written as JSON says in words.
func texts(v any) string {
	switch v := v.(type) {
	case string:
		return " " + v
	case []any:
		var b strings.Builder
		for _, e := range v {
			b.WriteString(texts(e))
		}
		return b.String()
	case map[string]any:
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(texts(v[name]))
		}
		return b.String()
	default:
		return ""
	}
}

func concernsGoogle(text string) bool { return mark(text, concerns...) }

// mark reports that a text has one of some words, which are in lower case.
func mark(text string, words ...string) bool {
	low := strings.ToLower(shortened(text))
	for _, w := range words {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}
