package thread

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plantainhq/plantain"
	"github.com/plantainhq/plantain/gemini"
	"github.com/plantainhq/plantain/internal/shelf"
)

// of an answer that was not seen before: a chat about the fox, without its signatures.
const foxAgain = `{"contents":[{"role":"user","parts":[{"text":"a fox"}]},{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"FOX_BASE64"}}]},{"role":"user","parts":[{"text":"make it blue"}]}]}`

func TestASignatureIsNeverGivenToAnotherClient(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	if got, how := heal(t, m, "studio", spelled(foxAgain)); how != Remembered || !strings.Contains(got, "SIG-FOX") {
		t.Errorf("its own client got %s: %s", how, short(got))
	}
	for _, other := range []plantain.ClientName{"", "studi", "studio ", "Studio", "other"} {
		if got, how := heal(t, m, other, spelled(foxAgain)); how != Placeholder || strings.Contains(got, "SIG-") {
			t.Errorf("%q got %s: %s", other, how, short(got))
		}
	}
}

func TestSignaturesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	again, err := Open(filepath.Dir(oneFile(t, m)))
	if err != nil {
		t.Fatal(err)
	}
	if _, how := heal(t, again, "studio", spelled(foxAgain)); how != Remembered {
		t.Errorf("healed by %s", how)
	}
}

// oneFile is the path of a file of a memory.
func oneFile(t *testing.T, m *Memory) string {
	t.Helper()
	files, err := m.shelf.List()
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	f, err := m.shelf.Open(files[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	return f.Name()
}

func TestAMemoryThatWasWipedRemembersAgain(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	if err := os.RemoveAll(filepath.Dir(oneFile(t, m))); err != nil {
		t.Fatal(err)
	}
	if _, how := heal(t, m, "studio", spelled(foxAgain)); how != Placeholder {
		t.Errorf("healed by %s", how)
	}
	tell(t, m, "studio", firstAsked, firstAnswer)
	if _, how := heal(t, m, "studio", spelled(foxAgain)); how != Remembered {
		t.Errorf("then by %s", how)
	}
}

func TestWithoutAMemoryThePlaceholderStands(t *testing.T) {
	t.Parallel()
	if _, how := heal(t, nil, "studio", spelled(foxAgain)); how != Placeholder {
		t.Errorf("healed by %s", how)
	}
	var none *Memory
	if err := none.Remember("studio", scan(t, firstAsked), answered(spelled(firstAnswer)), strings.NewReader(spelled(firstAnswer)), now); err != nil {
		t.Error(err)
	}
}

// A stream may bring the signature of a part behind it, on an empty text
// (gemini-api.md §4); clients send back the parts one by one, or the words joined, and
// drop the empty text.
func TestASignatureBehindItsPartBelongsToIt(t *testing.T) {
	t.Parallel()
	const answer = `{"candidates":[{"content":{"parts":[{"text":"Here is "},{"text":"a fox.","thoughtSignature":"SIG-RUN"},{"inlineData":{"mimeType":"image/png","data":"FOX_BASE64"}},{"text":"","thoughtSignature":"SIG-LATE"}]}}]}`
	m, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tell(t, m, "studio", firstAsked, answer)
	for _, text := range []string{`{"text":"Here is "},{"text":"a fox."}`, `{"text":"Here is a fox."}`, `{"text":"a fox."}`} {
		got, how := heal(t, m, "studio", spelled(strings.Replace(foxAgain, `{"inlineData"`, text+`,{"inlineData"`, 1)))
		if how != Remembered || !strings.Contains(got, "SIG-RUN") || !strings.Contains(got, "SIG-LATE") || strings.Count(got, "SIG-") != 2 {
			t.Errorf("%s: healed by %s: %s", text, how, short(got))
		}
	}
}

// The same words and the same prompts come in many chats.
func TestWordsAreKnownByThePictureBesideThem(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	other := strings.NewReplacer("FOX_BASE64", "STRANGER_BASE64", "SIG-TEXT-1", "SIG-TEXT-OTHER", "SIG-FOX", "SIG-STRANGER").Replace(firstAnswer)
	tell(t, m, "studio", firstAsked, other)
	turn := strings.Replace(foxAgain, `{"inlineData"`, `{"text":"Here is a fox. "},{"inlineData"`, 1)
	if got, _ := heal(t, m, "studio", spelled(turn)); !strings.Contains(got, `"SIG-TEXT-1"`) {
		t.Errorf("got %s", short(got))
	}
	if got, _ := heal(t, m, "studio", spelled(strings.Replace(turn, "FOX", "STRANGER", 1))); !strings.Contains(got, `"SIG-TEXT-OTHER"`) {
		t.Errorf("got %s", short(got))
	}
}

func TestTheMemoryIsBoundedByAgeAndBySize(t *testing.T) {
	t.Parallel()
	m, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m.Age = 7 * 24 * time.Hour
	at := now
	for n := range 10 {
		answer := spelled(fmt.Sprintf(`{"candidates":[{"content":{"parts":[{"text":"picture %d","thoughtSignature":"%s"}]}}]}`, n, strings.Repeat("S", 100_000)))
		if err := m.Remember("studio", scan(t, firstAsked), answered(answer), strings.NewReader(answer), at); err != nil {
			t.Fatal(err)
		}
		at = at.Add(24 * time.Hour)
	}
	known := func() (all []int) {
		for n := range 10 {
			body := fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":"a fox"}]},{"role":"model","parts":[{"text":"picture %d"}]}]}`, n)
			h, err := m.Heal("studio", scan(t, body), strings.NewReader(body), at)
			if err != nil {
				t.Fatal(err)
			}
			_ = h.Close()
			if h.How == Remembered {
				all = append(all, n)
			}
		}
		return all
	}
	if got := fmt.Sprint(known()); got != "[4 5 6 7 8 9]" { // to the day of the first, seven and more have passed
		t.Errorf("by age stay %s", got)
	}
	if err := m.Tidy(at, false); err != nil {
		t.Fatal(err)
	}
	files, err := m.shelf.List()
	if old := func(f shelf.File) bool { return at.Sub(f.At) >= m.Age }; err != nil || slices.ContainsFunc(files, old) {
		t.Errorf("what is too old stays on the disk: %v, %v", files, err)
	}
	// All of them were needed just now, but for two that were needed again later.
	at = at.Add(2 * time.Hour)
	for _, n := range []int{5, 7} {
		body := fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":"a fox"}]},{"role":"model","parts":[{"text":"picture %d"}]}]}`, n)
		heal(t, &Memory{shelf: m.shelf}, "studio", body)
		h, err := m.Heal("studio", scan(t, body), strings.NewReader(body), at)
		if err != nil {
			t.Fatal(err)
		}
		_ = h.Close()
	}
	m.Max = 300_000
	if !m.Crowded() {
		t.Error("six hundred kilobytes fit in three hundred")
	}
	if err := m.Tidy(at, false); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(known()); m.Crowded() || !strings.Contains(got, "5") || !strings.Contains(got, "7") || len(known()) != 2 {
		t.Errorf("by size stay %s", got)
	}
}

// What a crash leaves is not taken for a signature: a file that was being written, and
// one that a loss of power cut or emptied.
func TestACrashLeavesNothingThatIsTakenForASignature(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	dir := filepath.Dir(oneFile(t, m))
	half := filepath.Join(dir, shelf.NewPrefix+"123")
	if err := os.WriteFile(half, []byte(signatureMark+"SIG"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Tidy(now, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); err != nil {
		t.Error("what is being written was swept:", err)
	}
	if err := m.Tidy(now, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("what a crash left half written stays")
	}
	for _, harm := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)-3] },
		func([]byte) []byte { return nil },
		func(b []byte) []byte { return make([]byte, len(b)) },
		func(b []byte) []byte { return b[:10] },
	} {
		files, err := m.shelf.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			path := filepath.Join(dir, f.Name)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, harm(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, how := heal(t, m, "studio", spelled(foxAgain)); how != Placeholder {
			t.Errorf("healed by %s: %s", how, short(got))
		}
		tell(t, m, "studio", firstAsked, firstAnswer) // what comes again is kept again
		if _, how := heal(t, m, "studio", spelled(foxAgain)); how != Remembered {
			t.Errorf("then by %s", how)
		}
	}
}

// A file that goes while a request is on its way is read to its end all the same.
func TestASignatureStaysUntilTheRequestIsSent(t *testing.T) {
	t.Parallel()
	m := remembers(t, "studio")
	body := spelled(foxAgain)
	h, err := m.Heal("studio", scan(t, body), strings.NewReader(body), now)
	if err != nil {
		t.Fatal(err)
	}
	m.Max = 1
	if err := m.Tidy(now, false); err != nil {
		t.Fatal(err)
	}
	if got := sent(t, h, body); !strings.Contains(got, "SIG-FOX") {
		t.Errorf("got %s", short(got))
	}
	if _, how := heal(t, m, "studio", body); how != Placeholder {
		t.Errorf("later healed by %s", how)
	}
}

// What the client sent fits, and what it left out would be too much: the latest turns
// are those that count.
func TestSignaturesDoNotMakeARequestTooLarge(t *testing.T) {
	t.Parallel()
	m, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	body := `{"contents":[`
	for n := range 4 {
		answer := fmt.Sprintf(`{"candidates":[{"content":{"parts":[{"text":"picture %d","thoughtSignature":"%s"}]}}]}`, n, strings.Repeat(fmt.Sprint(n), 10<<20))
		if err := m.Remember("studio", scan(t, firstAsked), answered(answer), strings.NewReader(answer), now); err != nil {
			t.Fatal(err)
		}
		body += fmt.Sprintf(`{"role":"model","parts":[{"text":"picture %d"}]},`, n)
	}
	body += `{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"` + strings.Repeat("A", 75<<20) + `"}}]}]}`
	got, how := heal(t, m, "studio", body)
	if how != Placeholder || len(got) > gemini.MaxInline || strings.Count(got, Dummy) != 2 || !strings.Contains(got, "22222") || !strings.Contains(got, "33333") {
		t.Errorf("%d bytes, healed by %s with %d placeholders", len(got), how, strings.Count(got, Dummy))
	}
}

// Sixteen thousand texts of 500 bytes took half a minute to be joined one by one.
func TestTextsAreJoinedNoFurtherThanAKeyGoes(t *testing.T) {
	t.Parallel()
	parts := make([]*gemini.Part, 1<<14)
	for i := range parts {
		parts[i] = &gemini.Part{Kind: gemini.KindText, Text: strings.Repeat("a", 500)}
	}
	if got := joined(parts); len(got) > 2*gemini.MaxText || textKey(got, "") != "" {
		t.Errorf("%d bytes, known by %q", len(got), textKey(got, ""))
	}
}
