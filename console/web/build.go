package web

import (
	"bytes"

	"github.com/klauspost/compress/gzip"
)

// Build builds the page in a folder for dist: its files by their paths there, all but the
// small first one compressed. The same sources and packages make the same bytes.
func Build(dir string) (map[string][]byte, error) {
	b, err := newBundle(dir, true)
	if err != nil {
		return nil, err
	}
	defer b.close()
	files, err := b.files()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for name, body := range files {
		if name != indexName {
			if body, err = compress(body); err != nil {
				return nil, err
			}
			name += ".gz"
		}
		out[name] = body
	}
	return out, nil
}

func compress(body []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	err = z.Close()
	return out.Bytes(), err
}
