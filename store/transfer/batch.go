package transfer

// batchRows and batchBytes limit a batch, which is one transaction of the target.
var batchRows = 5000

const batchBytes = 4 << 20

// batch is a list of rows in one piece of memory.
type batch struct {
	width int
	data  []byte
	cells []cell
}

// cell is where a value is in data; from is -1 for NULL.
type cell struct{ from, to int }

func (b *batch) add(r row) {
	b.width = len(r)
	for _, v := range r {
		if v == nil {
			b.cells = append(b.cells, cell{-1, -1})
			continue
		}
		from := len(b.data)
		b.data = append(b.data, v...)
		b.cells = append(b.cells, cell{from, len(b.data)})
	}
}

func (b *batch) len() int {
	if b.width == 0 {
		return 0
	}
	return len(b.cells) / b.width
}

func (b *batch) full() bool { return b.len() >= batchRows || len(b.data) >= batchBytes }

func (b *batch) reset() { b.data, b.cells = b.data[:0], b.cells[:0] }

// row returns a row, which is valid until the batch is changed.
func (b *batch) row(i int) row {
	out := make(row, b.width)
	for j, c := range b.cells[i*b.width : (i+1)*b.width] {
		if c.from >= 0 {
			out[j] = b.data[c.from:c.to:c.to]
		}
	}
	return out
}
