package transfer

// SetBatchRows sets the greatest number of rows of a batch. It may be called before
// the first copy.
func SetBatchRows(n int) { batchRows = n }

// CopyLock is the key of the lock that a copy holds on its target.
const CopyLock = copyLock
