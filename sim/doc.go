// Package sim is Google's side on loopback: the Gemini image models as a client sees them, with every failure on
// demand and a bill. It decides what Google would answer, what it would count and what it would charge, from its own
// tables; it imports nothing of Plantain, so that it can contradict it.
//
// It does not know how a picture is really made (pictures are drawn from a hash of the prompt and carry the prompt as
// text), how Google draws its unlisted tokens (they are random), the exact text of a bad imageSize, the quota id of
// images per minute, or whether a signature is honoured under another project (here it is) or for the same picture as an
// uploaded file (here it is, too). Protocol facts cite the sections of gemini-api.md; what is only inferred there is marked
// so here.
package sim
