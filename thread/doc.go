// Package thread keeps conversations whole. Google signs what a model says, the
// signature is as large as a picture, and a turn that comes back without it is refused
// (gemini-api.md §4). The package remembers signatures by client and by what they
// signed, and says how a request must be changed so that every turn of a model has its
// own again. It changes bytes in their place and never decodes a body; which model
// needs signatures, and what to do when Google refuses all the same, it does not know.
package thread
