package paste

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// UTF-16 is decoded in small pieces as well.
func TestUTF16InPieces(t *testing.T) {
	text := strings.Repeat("goroutine é 𝄞 \n", 2000) + "end"
	for _, little := range []bool{true, false} {
		data := asUTF16(text, order(little))
		var got bytes.Buffer
		_, err := got.ReadFrom(&utf16Reader{r: &pieces{data: data}, order: order(little)})
		require.NoError(t, err)
		require.Equal(t, text, got.String())
		got.Reset()
		_, err = got.ReadFrom(&utf16Reader{r: bytes.NewReader(append(data, 'x')), order: order(little)})
		require.NoError(t, err)
		require.Equal(t, text+"\ufffd", got.String())
	}
}

// pieces returns one, two, three bytes at a time.
type pieces struct {
	data []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.n = p.n%3 + 1
	n := copy(b[:min(len(b), p.n)], p.data)
	if p.data = p.data[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func asUTF16(text string, order binary.ByteOrder) []byte {
	data := make([]byte, 0, 2*len(text))
	for _, u := range utf16.Encode([]rune(text)) {
		data = append(data, 0, 0)
		order.PutUint16(data[len(data)-2:], u)
	}
	return data
}
