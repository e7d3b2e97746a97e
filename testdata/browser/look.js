// What a visitor would see of a page, as an object of functions. Each returns a list of
// complaints or of things found; it changes nothing.
({
	// sideways lists what stands out of a window of some width, unless it scrolls in a box
	// of its own. The root's width is the judge; the elements say where to look.
	sideways(width) {
		const wide = document.scrollingElement.scrollWidth;
		if (wide <= width) return [];
		const boxed = (e) => {
			for (let p = e.parentElement; p && p !== document.documentElement; p = p.parentElement)
				if (getComputedStyle(p).overflowX !== "visible") return true;
			return false;
		};
		const out = [...document.body.querySelectorAll("*")].filter((e) =>
			e.checkVisibility() && e.getBoundingClientRect().right > width + 1 && !boxed(e));
		return [`the page is ${wide} pixels wide`, ...out.slice(-5).map((e) => e.outerHTML.slice(0, 120))];
	},

	// clipped lists texts that their own box cuts off, outside of what only screen readers read.
	clipped() {
		return [...document.querySelectorAll("main *, header *, footer *")].filter((e) => {
			const s = getComputedStyle(e);
			return e.checkVisibility() && s.overflowX !== "visible" && s.overflowX !== "auto" && s.overflowX !== "scroll" &&
				e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1 && e.textContent.trim() !== "";
		}).map((e) => e.outerHTML.slice(0, 120));
	},

	// frame lists what every page needs to be found and understood.
	frame() {
		const out = [];
		if (!document.documentElement.lang) out.push("no language");
		if (!/\S.* · mxseal$/.test(document.title)) out.push(`the title is ${JSON.stringify(document.title)}`);
		const h1 = document.querySelectorAll("h1").length;
		if (h1 !== 1) out.push(`${h1} headings of the first level`);
		const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
		for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) out.push(`the id ${id} is there twice`);
		for (const a of document.querySelectorAll('a[href^="#"]'))
			if (!document.getElementById(decodeURIComponent(a.getAttribute("href").slice(1)))) out.push(`a link leads to ${a.getAttribute("href")}, which is not there`);
		for (const i of document.images) if (!i.complete || i.naturalWidth === 0) out.push(`the image ${i.src} did not load`);
		return out;
	},

	// stops are the elements that the Tab key must stop at, in the order of the page. They
	// stay in the window for focus().
	stops() {
		const of = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
		window.stops = [...document.querySelectorAll(of)].filter((e) => e.tabIndex >= 0 && !e.disabled && !(e.type === "radio" && !e.checked) && e.checkVisibility());
		return window.stops.map((e) => `${e.localName} ${(e.innerText || e.value || e.name || "").trim().slice(0, 60)}`);
	},

	// focus says which of the stops has the focus (-1: none) and what is wrong with how it shows.
	focus() {
		const e = document.activeElement, s = getComputedStyle(e), out = [];
		const n = window.stops.indexOf(e);
		if (n < 0) return { n, wrong: out };
		const rgba = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
		const light = (c) => c.slice(0, 3).map((v) => v / 255)
			.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
			.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
		let around = [255, 255, 255, 1]; // the outline is drawn on what lies behind the element
		for (let p = e.parentElement; p; p = p.parentElement) {
			const c = rgba(getComputedStyle(p).backgroundColor);
			if (c[3] === 1) { around = c; break; }
		}
		const line = rgba(s.outlineColor), [a, b] = [light(line), light(around)].sort((x, y) => y - x);
		if (!e.matches(":focus-visible")) out.push("has the focus, but not visibly");
		else if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 || line[3] < 1) out.push("has no outline of two pixels");
		else if ((a + 0.05) / (b + 0.05) < 3) out.push(`has an outline of contrast ${((a + 0.05) / (b + 0.05)).toFixed(1)}`);
		const r = e.getBoundingClientRect();
		if (r.bottom < 1 || r.top > innerHeight - 1 || r.right < 1 || r.left > innerWidth - 1 || r.width < 1 || r.height < 1) out.push("is outside of the window");
		return { n, wrong: out };
	},

	// strange lists what only foreign text can have brought into the page. The site's own
	// pages have scripts and images from one folder and no markup of these kinds.
	strange() {
		const out = [], odd = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]/;
		for (const e of document.querySelectorAll("*")) {
			const head = document.head.contains(e);
			if (/^(iframe|frame|object|embed|applet|base|font|marquee|style|video|audio|math)$/.test(e.localName) || !head && /^(link|meta|title)$/.test(e.localName) && !e.closest("svg"))
				out.push(`element ${e.outerHTML.slice(0, 120)}`);
			if (/^(script|img)$/.test(e.localName) && (!e.src || new URL(e.src).origin !== location.origin || e.src.includes("alert")))
				out.push(`element ${e.outerHTML.slice(0, 120)}`);
			for (const a of e.attributes) {
				if (/^on/i.test(a.name) || a.name === "srcdoc" || /^(href|src|action|formaction|xlink:href)$/.test(a.name) && /^\s*(javascript|data|vbscript):/i.test(a.value))
					out.push(`attribute ${a.name}=${a.value.slice(0, 80)}`);
				if (odd.test(a.value)) out.push(`characters in ${a.name}=${JSON.stringify(a.value.slice(0, 80))}`);
			}
		}
		for (const f of document.forms) if (new URL(f.action).origin !== location.origin) out.push(`a form leads to ${f.action}`);
		const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_COMMENT);
		while (texts.nextNode()) if (odd.test(texts.currentNode.data)) out.push(`characters in the text ${JSON.stringify(texts.currentNode.data.slice(0, 80))}`);
		if ("x" in window) out.push("window.x is there");
		return out;
	},

	// folded are the lines of text that lie in what is folded and that printing must show:
	// not what only works on a screen, nor what screen readers are told to pass over, since
	// that says again what stands elsewhere.
	folded() {
		const out = [];
		for (const d of document.querySelectorAll("details:not([open])")) {
			const texts = document.createTreeWalker(d, NodeFilter.SHOW_TEXT);
			while (texts.nextNode()) {
				const t = texts.currentNode;
				if (t.data.trim() && !t.parentElement.closest("form, fieldset, svg, button, .unseen, [aria-hidden=true]"))
					out.push(...t.data.split("\n").filter((line) => line.trim()));
			}
		}
		return out;
	},
})
