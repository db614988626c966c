(function (native) {
	class URLSearchParams {
		#list = []; #changed = null;

		constructor(init = "") {
			if (init === null || (typeof init !== "object" && typeof init !== "function")) {
				this.#list = native.parseQuery(String(init));
				return;
			}
			if (typeof init[Symbol.iterator] === "function") {
				for (const pair of init) {
					const p = [...pair];
					if (p.length !== 2) throw new TypeError("each parameter must be a pair of a name and a value");
					this.#list.push([String(p[0]), String(p[1])]);
				}
				return;
			}
			for (const key of Object.keys(init)) this.#list.push([key, String(init[key])]);
		}

		// of makes the parameters of a URL. changed is called after each change.
		static of(query, changed) {
			const p = new URLSearchParams(query);
			p.#changed = changed;
			return p;
		}
		static refill(p, query) { p.#list = native.parseQuery(query); }

		#update() { if (this.#changed) this.#changed(this.toString()); }

		get size() { return this.#list.length; }
		append(name, value) { this.#list.push([String(name), String(value)]); this.#update(); }
		delete(name, value) {
			this.#list = this.#list.filter(([k, v]) => k !== String(name) || (value !== undefined && v !== String(value)));
			this.#update();
		}
		get(name) { const p = this.#list.find(([k]) => k === String(name)); return p ? p[1] : null; }
		getAll(name) { return this.#list.filter(([k]) => k === String(name)).map(([, v]) => v); }
		has(name, value) { return this.#list.some(([k, v]) => k === String(name) && (value === undefined || v === String(value))); }
		set(name, value) {
			const i = this.#list.findIndex(([k]) => k === String(name));
			if (i < 0) return this.append(name, value);
			this.#list[i] = [String(name), String(value)];
			this.#list = this.#list.filter(([k], j) => j <= i || k !== String(name));
			this.#update();
		}
		sort() { this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#update(); }
		forEach(visit, self) { for (const [k, v] of this.#list) visit.call(self, v, k, this); }
		*keys() { for (const [k] of this.#list) yield k; }
		*values() { for (const [, v] of this.#list) yield v; }
		*entries() { for (const [k, v] of this.#list) yield [k, v]; }
		[Symbol.iterator]() { return this.entries(); }
		toString() { return native.query(this.#list); }
	}
	const { of, refill } = URLSearchParams;
	delete URLSearchParams.of;
	delete URLSearchParams.refill;

	const build = (u) => u.protocol + (u.slashes ? "//" : "") + (u.slashes && (u.username || u.password) ? u.username + (u.password ? ":" + u.password : "") + "@" : "") +
		u.hostname + (u.port ? ":" + u.port : "") + u.pathname + u.search + u.hash;

	class URL {
		#u; #params;

		constructor(url, base) {
			this.#u = native.parse(String(url), base === undefined ? undefined : String(base));
		}
		static canParse(url, base) { return URL.parse(url, base) !== null; }
		static parse(url, base) { try { return new URL(url, base); } catch { return null; } }

		// An invalid component does not change the URL.
		#change(part) {
			try { this.#u = native.parse(build({ ...this.#u, ...part })); } catch { return; }
			if (this.#params) refill(this.#params, this.#u.search.slice(1));
		}

		get href() { return build(this.#u); }
		set href(url) { this.#u = native.parse(String(url)); if (this.#params) refill(this.#params, this.#u.search.slice(1)); }
		get origin() { return this.#u.special ? this.#u.protocol + "//" + this.host : "null"; }
		get protocol() { return this.#u.protocol; }
		set protocol(x) { this.#change({ protocol: String(x).replace(/:.*$/, "") + ":" }); }
		get username() { return this.#u.username; }
		set username(x) { this.#change({ username: encodeURIComponent(x) }); }
		get password() { return this.#u.password; }
		set password(x) { this.#change({ password: encodeURIComponent(x) }); }
		get host() { return this.#u.hostname + (this.#u.port ? ":" + this.#u.port : ""); }
		set host(x) {
			const [, hostname, port] = /^(\[[^\]]*\]|[^:/?#]*)(?::(\d*))?/.exec(String(x));
			if (hostname) this.#change(port === undefined ? { hostname } : { hostname, port });
		}
		get hostname() { return this.#u.hostname; }
		set hostname(x) { if (x) this.#change({ hostname: String(x) }); }
		get port() { return this.#u.port; }
		set port(x) { if (/^\d*$/.test(String(x))) this.#change({ port: String(x) }); }
		get pathname() { return this.#u.pathname; }
		set pathname(x) {
			const path = String(x).replace(/\?/g, "%3F").replace(/#/g, "%23");
			this.#change({ pathname: this.#u.slashes && path[0] !== "/" ? "/" + path : path });
		}
		get search() { return this.#u.search; }
		set search(x) { const q = String(x).replace(/^\?/, "").replace(/#/g, "%23"); this.#change({ search: q && "?" + q }); }
		get hash() { return this.#u.hash; }
		set hash(x) { const h = String(x).replace(/^#/, ""); this.#change({ hash: h && "#" + h }); }
		get searchParams() {
			return this.#params ??= of(this.#u.search.slice(1), (q) => { this.#u = { ...this.#u, search: q && "?" + q }; });
		}
		toString() { return this.href; }
		toJSON() { return this.href; }
	}

	return { URL, URLSearchParams };
})
