package gemini

// invalid marks in sixBits what is no base64.
const invalid = 0xff

// sixBits gives what a character of base64 stands for, in the standard and the
// URL-safe alphabet alike: Python's SDK sends the second (gemini-api.md, section 2).
var sixBits = func() (table [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	for i := range table {
		table[i] = invalid
	}
	for i := range len(alphabet) {
		table[alphabet[i]] = byte(i)
	}
	table['+'], table['-'], table['/'], table['_'] = 62, 62, 63, 63
	return table
}()

// decodeInPlace decodes base64 without padding over itself, which encoding/base64
// does not promise to do, and gives what was decoded before an invalid character.
func decodeInPlace(b []byte) ([]byte, bool) {
	n := 0
	for ; len(b)-n/3*4 >= 4; n += 3 {
		q := b[n/3*4:][:4]
		w, x, y, z := sixBits[q[0]], sixBits[q[1]], sixBits[q[2]], sixBits[q[3]]
		if w|x|y|z == invalid {
			return b[:n], false
		}
		b[n], b[n+1], b[n+2] = w<<2|x>>4, x<<4|y>>2, y<<6|z
	}
	rest := b[n/3*4:]
	group := [4]byte{}
	for i, c := range rest {
		if group[i] = sixBits[c]; group[i] == invalid {
			return b[:n], false
		}
	}
	switch len(rest) {
	case 1:
		return b[:n], false
	case 2:
		b[n] = group[0]<<2 | group[1]>>4
		n++
	case 3:
		b[n], b[n+1] = group[0]<<2|group[1]>>4, group[1]<<4|group[2]>>2
		n += 2
	}
	return b[:n], true
}
