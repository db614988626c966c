package js

import (
	"math/big"
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"

	"kumi/vm"
)

// A single step of a program can make a text twice as long, or a whole number
// with more digits than there is memory. Compiled programs are gone through once,
// and steps that can are replaced by ones that look at the sizes first. Others
// that make built-in objects which nothing names are replaced too, so that these
// are bounded before a script has them.

// step is what a step does: data is the step's own, m the machine.
type step = func(data, m unsafe.Pointer)

// table is what Go has for a type behind an interface of one method.
type table struct {
	inter, typ unsafe.Pointer
	hash       uint32
	_          [4]byte
	fn         uintptr
}

// machine are the fields of goja's machine and programs that are needed.
var machine = findMachine()

type machineOf struct {
	known           bool
	rt, stack, sp   uintptr
	code            uintptr
	small, fraction unsafe.Pointer // tables of numbers
	program         reflect.Type
	mu              sync.Mutex
	plans           map[unsafe.Pointer]*stepPlan
}

// stepPlan says what to do about a kind of step.
type stepPlan struct {
	replacement unsafe.Pointer // its table; nil: it stays
	programs    []uintptr      // where it has programs of its own
}

func findMachine() (m *machineOf) {
	m = &machineOf{plans: map[unsafe.Pointer]*stepPlan{}, program: reflect.TypeFor[*goja.Program]()}
	defer func() {
		if recover() != nil {
			m.known = false
		}
	}()
	field := func(t reflect.Type, name string) uintptr {
		f, ok := t.FieldByName(name)
		if !ok {
			panic(name)
		}
		return f.Offset
	}
	f, _ := reflect.TypeFor[goja.Runtime]().FieldByName("vm")
	m.rt, m.stack, m.sp = field(f.Type.Elem(), "r"), field(f.Type.Elem(), "stack"), field(f.Type.Elem(), "sp")
	m.code = field(m.program.Elem(), "code")
	rt := goja.New()
	one, half := rt.ToValue(1), rt.ToValue(0.5)
	m.small, m.fraction = (*iface)(unsafe.Pointer(&one)).table, (*iface)(unsafe.Pointer(&half)).table
	m.known = inner.known
	return m
}

var (
	doAdd, doConcat, doMul, doExp, doLeft, doRight, doSpread step
	doRegExp, doTry, doAsync, doAsyncArrow, doAsyncMethod    step
	doGenerator, doGeneratorMethod                           step
)

// stepsBounded are the steps that are replaced, and where the ones of goja go.
var stepsBounded map[string]struct {
	with     step
	original *step
}

func init() {
	type s = struct {
		with     step
		original *step
	}
	stepsBounded = map[string]s{
		"_add": {stepAdd, &doAdd}, "concatStrings": {stepConcat, &doConcat}, "_mul": {stepMul, &doMul}, "_exp": {stepExp, &doExp},
		"_sal": {stepLeft, &doLeft}, "_sar": {stepRight, &doRight}, "_copySpread": {stepSpread, &doSpread},
		"newRegexp": {stepRegExp, &doRegExp}, "try": {stepTry, &doTry}, "newAsyncFunc": {stepAsync, &doAsync},
		"newAsyncArrowFunc": {stepAsyncArrow, &doAsyncArrow}, "newAsyncMethod": {stepAsyncMethod, &doAsyncMethod},
		"newGeneratorFunc": {stepGenerator, &doGenerator}, "newGeneratorMethod": {stepGeneratorMethod, &doGeneratorMethod},
	}
}

// boundSteps replaces the steps of a program, before it runs for the first time.
func boundSteps(p *goja.Program) {
	if !machine.known || p == nil {
		return
	}
	machine.mu.Lock()
	defer machine.mu.Unlock()
	machine.bound(p)
}

// boundCode replaces the steps of a function that was compiled while a script
// runs.
func boundCode(x goja.Value) {
	if o, ok := x.(*goja.Object); ok && machine.known && o.ExportType() == typeNative && insides.of(o).table != inner.function {
		self := reflect.ValueOf(o).Elem().FieldByName("self").Elem().Elem()
		if p := self.FieldByName("prg"); p.IsValid() && p.Type() == machine.program && !p.IsNil() {
			boundSteps((*goja.Program)(p.UnsafePointer()))
		}
	}
}

var typeNative = reflect.TypeFor[native]()

func (m *machineOf) bound(p *goja.Program) {
	code := *(*[]iface)(unsafe.Add(unsafe.Pointer(p), m.code))
	var steps reflect.Value
	for i := range code {
		plan := m.plans[code[i].table]
		if plan == nil {
			if !steps.IsValid() {
				steps = reflect.ValueOf(p).Elem().FieldByName("code")
			}
			plan = m.planOf(steps.Index(i).Elem().Type(), code[i].table)
			m.plans[code[i].table] = plan
			if plan.replacement != nil {
				m.plans[plan.replacement] = plan
			}
		}
		for _, at := range plan.programs {
			if inner := *(**goja.Program)(unsafe.Add(code[i].data, at)); inner != nil {
				m.bound(inner)
			}
		}
		if plan.replacement != nil {
			code[i].table = plan.replacement
		}
	}
}

// planOf looks at a type of steps.
func (m *machineOf) planOf(t reflect.Type, known unsafe.Pointer) *stepPlan {
	plan := &stepPlan{}
	name := t.Name()
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		name = t.Elem().Name()
		m.programsOf(t.Elem(), 0, plan)
	}
	b, ok := stepsBounded[name]
	if !ok || b.with == nil {
		return plan
	}
	old := (*table)(known)
	if *b.original == nil {
		at := &struct{ code uintptr }{old.fn}
		*b.original = *(*step)(unsafe.Pointer(&at))
	}
	with := **(**uintptr)(unsafe.Pointer(&b.with))
	replacement := &table{inter: old.inter, typ: old.typ, hash: old.hash, fn: with}
	replacements = append(replacements, replacement)
	plan.replacement = unsafe.Pointer(replacement)
	return plan
}

// replacements keeps the tables, to which an interface is no reference.
var replacements []*table

// programsOf finds the programs in a struct.
func (m *machineOf) programsOf(t reflect.Type, at uintptr, plan *stepPlan) {
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case f.Type == m.program:
			plan.programs = append(plan.programs, at+f.Offset)
		case f.Type.Kind() == reflect.Struct:
			m.programsOf(f.Type, at+f.Offset, plan)
		}
	}
}

// top are the upper n values of a machine's stack.
func top(m unsafe.Pointer, n int) []goja.Value {
	stack := *(*[]goja.Value)(unsafe.Add(m, machine.stack))
	sp := *(*int)(unsafe.Add(m, machine.sp))
	return stack[sp-n : sp]
}

func vmOf(m unsafe.Pointer) *VM { return ownerOf(*(**goja.Runtime)(unsafe.Add(m, machine.rt))) }

func tableOf(x *goja.Value) unsafe.Pointer { return (*iface)(unsafe.Pointer(x)).table }

func isNumber(x *goja.Value) bool {
	t := tableOf(x)
	return t == machine.small || t == machine.fraction
}

func stepAdd(data, m unsafe.Pointer) {
	if x := top(m, 2); !isNumber(&x[0]) && !isNumber(&x[1]) {
		if n := textLength(x[0]) + textLength(x[1]); n > vm.MaxString {
			tooLongText(m, n)
		}
	}
	doAdd(data, m)
}

func stepConcat(data, m unsafe.Pointer) {
	n := 0
	for _, x := range top(m, *(*int)(data)) {
		n += textLength(x)
	}
	if n > vm.MaxString {
		tooLongText(m, n)
	}
	doConcat(data, m)
}

func tooLongText(m unsafe.Pointer, n int) {
	if v := vmOf(m); v != nil {
		v.fitsText(n)
	}
}

func stepMul(data, m unsafe.Pointer) {
	if x := top(m, 2); !isNumber(&x[0]) && !isNumber(&x[1]) {
		tooManyBits(m, float64(bits(x[0])+bits(x[1])))
	}
	doMul(data, m)
}

func stepExp(data, m unsafe.Pointer) {
	if x := top(m, 2); !isNumber(&x[0]) && bits(x[0]) > 1 && bits(x[1]) > 0 {
		tooManyBits(m, float64(bits(x[0])-1)*bigFloat(x[1]))
	}
	doExp(data, m)
}

func stepLeft(data, m unsafe.Pointer) {
	if x := top(m, 2); !isNumber(&x[0]) && bits(x[0]) > 0 {
		tooManyBits(m, float64(bits(x[0]))+bigFloat(x[1]))
	}
	doLeft(data, m)
}

func stepRight(data, m unsafe.Pointer) {
	if x := top(m, 2); !isNumber(&x[0]) && bits(x[0]) > 0 {
		tooManyBits(m, float64(bits(x[0]))-bigFloat(x[1]))
	}
	doRight(data, m)
}

func tooManyBits(m unsafe.Pointer, n float64) {
	if n > mostBits {
		if v := vmOf(m); v != nil {
			v.fitsBits(n)
		}
	}
}

func stepSpread(data, m unsafe.Pointer) {
	if v := vmOf(m); v != nil {
		v.fitsKeys(top(m, 1)[0])
	}
	doSpread(data, m)
}

// What steps make, and Go.
const (
	madeRegExp = 1 << iota
	madeTry
	madeAsync
	madeGenerator
	madeBytes
)

// made bounds what a step has made, once for each VM.
func made(m unsafe.Pointer, kind uint8, global ...string) {
	v := vmOf(m)
	if v == nil || v.made&kind != 0 {
		return
	}
	v.made |= kind
	for _, name := range global {
		v.rt.Get(name)
	}
	v.reach()
}

func stepRegExp(data, m unsafe.Pointer)    { doRegExp(data, m); made(m, madeRegExp) }
func stepTry(data, m unsafe.Pointer)       { made(m, madeTry, "Error"); doTry(data, m) }
func stepAsync(data, m unsafe.Pointer)     { doAsync(data, m); made(m, madeAsync, "Promise", "Error") }
func stepGenerator(data, m unsafe.Pointer) { doGenerator(data, m); made(m, madeGenerator) }

func stepAsyncArrow(data, m unsafe.Pointer) {
	doAsyncArrow(data, m)
	made(m, madeAsync, "Promise", "Error")
}
func stepAsyncMethod(data, m unsafe.Pointer) {
	doAsyncMethod(data, m)
	made(m, madeAsync, "Promise", "Error")
}
func stepGeneratorMethod(data, m unsafe.Pointer) { doGeneratorMethod(data, m); made(m, madeGenerator) }

// bigFloat is a large whole number, roughly.
func bigFloat(x goja.Value) float64 {
	if i := (*iface)(unsafe.Pointer(&x)); i.table == inner.big {
		f, _ := new(big.Float).SetInt((*big.Int)(i.data)).Float64()
		return f
	}
	return 0
}
