(function (native) {
	class TextEncoder {
		get encoding() { return "utf-8"; }
		encode(text = "") { return new Uint8Array(native.encode(String(text))); }
		encodeInto(text, into) {
			let read = 0, written = 0;
			for (const char of String(text)) {
				const bytes = new Uint8Array(native.encode(char));
				if (written + bytes.length > into.length) break;
				into.set(bytes, written);
				written += bytes.length;
				read += char.length;
			}
			return { read, written };
		}
	}

	const encodings = { "utf-8": "utf-8", "utf8": "utf-8", "latin1": "latin1", "iso-8859-1": "latin1", "ascii": "latin1", "us-ascii": "latin1" };

	class TextDecoder {
		#encoding; #fatal; #ignoreBOM;
		constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
			this.#encoding = encodings[String(label).trim().toLowerCase()];
			if (!this.#encoding) throw new RangeError(`TextDecoder knows utf-8 and latin1, not ${label}`);
			this.#fatal = Boolean(fatal);
			this.#ignoreBOM = Boolean(ignoreBOM);
		}
		get encoding() { return this.#encoding; }
		get fatal() { return this.#fatal; }
		get ignoreBOM() { return this.#ignoreBOM; }
		decode(data, options) {
			if (options && options.stream) throw new TypeError("TextDecoder decodes whole texts: stream is not supported");
			if (data instanceof DataView) data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
			return native.decode(data, this.#encoding, this.#fatal, this.#ignoreBOM);
		}
	}

	return { TextEncoder, TextDecoder };
})
