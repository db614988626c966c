package matchmaker

// heap is a binary heap with the first value in order on top. container/heap
// would box each value.
type heap[T interface{ before(T) bool }] []T

func (h *heap[T]) push(value T) {
	*h = append(*h, value)
	list := *h
	at := len(list) - 1
	for at > 0 {
		parent := (at - 1) / 2
		if !list[at].before(list[parent]) {
			return
		}
		list[at], list[parent] = list[parent], list[at]
		at = parent
	}
}

func (h *heap[T]) pop() (top T, ok bool) {
	list := *h
	if len(list) == 0 {
		return top, false
	}
	top = list[0]
	last := len(list) - 1
	list[0] = list[last]
	*h = list[:last]
	h.sink(0)
	return top, true
}

func (h heap[T]) sink(at int) {
	for {
		child := 2*at + 1
		if child >= len(h) {
			return
		}
		if right := child + 1; right < len(h) && h[right].before(h[child]) {
			child = right
		}
		if !h[child].before(h[at]) {
			return
		}
		h[at], h[child] = h[child], h[at]
		at = child
	}
}
