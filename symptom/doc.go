// Package symptom finds what people see in a table: words in, rows out. A row says
// why it happens, whether it is charged and what to do, for users of the API and
// of the Gemini app. The table is table.yaml.
//
// It judges no answer (package verdict does) and knows nothing of clocks, of a
// running gateway or of money: what the moment adds is handed in as [Now].
package symptom

// The page for readers is written from the table.
//
//go:generate go test -run TestThePageIsThatOfTheTable -update .
