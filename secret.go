package plantain

import (
	"fmt"
	"log/slog"
)

// A Secret is a credential that cannot print itself: every way of formatting,
// logging or encoding it gives a fixed word. [Secret.Reveal] is the only way
// out, to be called where the wire needs it and nowhere else.
type Secret struct{ value string }

const redacted = "[secret]"

// NewSecret hides a value. An empty value is an empty secret.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the value itself.
func (s Secret) Reveal() string { return s.value }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.value == "" }

func (s Secret) String() string { return redacted }

// Format writes the fixed word for every verb, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue is the fixed word.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is the fixed word, for JSON, YAML and everything else that asks.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes a value in.
func (s *Secret) UnmarshalText(b []byte) error {
	s.value = string(b)
	return nil
}
