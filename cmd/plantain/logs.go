package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/capture"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/ledger"
	"github.com/plantainhq/plantain/verdict"
)

// sumLogs sums up what the files of a folder show.
func sumLogs(w *world, folder string, rules verdict.Rules, catalogue *gemini.Catalogue, at time.Time) error {
	var sum capture.Sum
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return w.ctx.Err()
		}
		read, err := readLogFile(path, func(x capture.Exchange) {
			e := capture.Explain(x, rules, hourOf(at, x.At))
			cost, priced := price(catalogue, x, e)
			sum.Add(x, e, cost, priced)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if read {
			files++
		}
		return w.ctx.Err()
	})
	if err != nil {
		return err
	}
	if w.output == "json" {
		w.json(map[string]any{
			"files": files, "exchanges": sum.Exchanges, "lost": sum.Lost, "paid_in_vain": sum.Vain, "unpriced": sum.Unpriced,
			"first": instant(sum.First), "last": instant(sum.Last), "rows": sum.Rows(),
		})
		return nil
	}
	printSum(w.stdout, &sum, files)
	return nil
}

// instant gives a time for JSON; null where there is none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// readLogFile reads a log, or a capture of another form, compressed or not; false:
// the file is neither.
func readLogFile(path string, found func(capture.Exchange)) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	var from io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(file)
		if err != nil {
			return false, nil // a file that only has the name is none to read
		}
		from = z
	}
	head := make([]byte, 8<<10)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	head = head[:n]
	if n == 0 || bytes.IndexByte(head, 0) >= 0 && !bytes.HasPrefix(head, []byte{0xff, 0xfe}) {
		return false, nil
	}
	from = io.MultiReader(bytes.NewReader(head), from)
	if !isWhole(path, head) {
		return true, capture.ReadLog(from, found)
	}
	text, err := io.ReadAll(io.LimitReader(from, maxCapture))
	if err != nil {
		return false, err
	}
	for _, x := range capture.Read(text) {
		found(x)
	}
	return true, nil
}

// isWhole tells a capture that makes sense only as a whole from a log.
func isWhole(path string, head []byte) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".har", ".json", ".jsonl", ".ndjson", ".http", ".html":
		return true
	}
	return bytes.HasPrefix(head, []byte("HTTP/")) || bytes.HasPrefix(head, []byte{0xff, 0xfe})
}

// price gives what an exchange cost; false: its model is not told, or is none of
// the catalogue.
func price(catalogue *gemini.Catalogue, x capture.Exchange, e capture.Explanation) (plantain.Cost, bool) {
	model := x.Model
	if served := x.Facts.Body.ModelVersion; served != "" {
		model = plantain.Model(strings.TrimPrefix(served, "models/"))
	}
	entry, known := catalogue.Lookup(model)
	if !known {
		return plantain.Cost{}, false
	}
	most := ledger.Estimate(entry, entry.Price, x.Facts.Asked, 0)
	return ledger.Cost(entry, e.Verdict(), x.Facts.Body, most, 0), true
}

func printSum(to io.Writer, s *capture.Sum, files int) {
	where := ""
	if files > 0 {
		where = fmt.Sprintf(" in %s", count(files, "file"))
	}
	if s.Exchanges == 0 {
		fmt.Fprintf(to, "No answer of Google's and no error%s.\n", where)
		return
	}
	when := ""
	if !s.First.IsZero() {
		when = fmt.Sprintf(", %s to %s", s.First.UTC().Format("2006-01-02 15:04"), s.Last.UTC().Format("2006-01-02 15:04 UTC"))
	}
	fmt.Fprintf(to, "%s%s%s.\n", count(s.Exchanges, "answer"), where, when)
	vain := ""
	if s.Unpriced > 0 {
		vain = fmt.Sprintf(", and %s of which the model is not told", strconv.Itoa(s.Unpriced))
	}
	fmt.Fprintf(to, "%d without a picture; paid for in vain: %s%s.\n\n", s.Lost, s.Vain, vain)
	rows := [][]string{{"VERDICT", "COUNT", "CHARGED", "COST", "WHAT TO DO"}}
	for _, r := range s.Rows() {
		rows = append(rows, []string{r.Class.String(), strconv.Itoa(r.Count), r.Charged.String(), r.Cost.String(), r.Fix})
	}
	table(to, rows)
}

// count gives "1 file", "3 files".
func count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
