// Package lint reads a prompt before it is paid for: what is missing for the kind
// of picture that it asks for, what a model will misread, what trips the filter
// although it is harmless, and what the policy forbids. It offers the prompt
// rewritten.
//
// It is deterministic, asks nobody and knows English. Its rules are the YAML files
// of this folder; the code only finds words and weighs them. It decides nothing:
// what is sent, and what comes of it, is up to others.
package lint
