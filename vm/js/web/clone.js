(function () {
	const kind = (x) => Object.prototype.toString.call(x).slice(8, -1);

	function fail(what) {
		const e = new Error(`${what} cannot be cloned`);
		e.name = "DataCloneError";
		throw e;
	}

	function structuredClone(value) {
		const seen = new Map();
		const keep = (x, copy) => { seen.set(x, copy); return copy; };
		const clone = (x) => {
			if (typeof x === "function") fail(`the function ${x.name || "without a name"}`);
			if (typeof x === "symbol") fail(String(x));
			if (typeof x !== "object" || x === null) return x;
			if (seen.has(x)) return seen.get(x);
			if (Array.isArray(x)) {
				const copy = keep(x, new Array(x.length));
				for (const key of Object.keys(x)) copy[key] = clone(x[key]);
				return copy;
			}
			if (x instanceof Date) return keep(x, new Date(x.getTime()));
			if (x instanceof RegExp) return keep(x, new RegExp(x.source, x.flags));
			if (x instanceof Map) {
				const copy = keep(x, new Map());
				for (const [k, v] of [...x]) copy.set(clone(k), clone(v));
				return copy;
			}
			if (x instanceof Set) {
				const copy = keep(x, new Set());
				for (const v of [...x]) copy.add(clone(v));
				return copy;
			}
			if (x instanceof ArrayBuffer) return keep(x, x.slice(0));
			if (ArrayBuffer.isView(x)) {
				const buffer = clone(x.buffer);
				return keep(x, new x.constructor(buffer, x.byteOffset, x instanceof DataView ? x.byteLength : x.length));
			}
			if (x instanceof Number || x instanceof String || x instanceof Boolean) return keep(x, Object(x.valueOf()));
			if (x instanceof Promise || x instanceof WeakMap || x instanceof WeakSet) fail(`a ${kind(x)}`);
			if (x instanceof Error) {
				const types = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
				const copy = keep(x, new (types[x.name] || Error)(x.message));
				Object.defineProperty(copy, "stack", { value: x.stack, writable: true, configurable: true });
				if ("cause" in x) Object.defineProperty(copy, "cause", { value: clone(x.cause), writable: true, configurable: true });
				return copy;
			}
			const copy = keep(x, {});
			for (const key of Object.keys(x)) {
				const v = clone(x[key]);
				if (key === "__proto__") Object.defineProperty(copy, key, { value: v, writable: true, enumerable: true, configurable: true });
				else copy[key] = v;
			}
			return copy;
		};
		return clone(value);
	}

	return { structuredClone };
})
