// Package alone holds the black-box tests that measure the heap or the latency of
// the whole process, and so run one at a time. They are a package of their own so
// that they run beside the other tests, which have a process of theirs.
package alone
