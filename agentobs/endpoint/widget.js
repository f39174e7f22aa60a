// <script src="widget.js" data-token="..."></script> or <agentobs-feedback token="...">
(() => {
const TAG = "agentobs-feedback", doc = document, me = doc.currentScript, tell = {}
const TEXTS = {thumbs_up: "Good answer", thumbs_down: "Bad answer", ask: "Comment", send: "Send",
	thanks: "Thank you", kept: "Sent later", failed: "Not sent", ...me?.dataset}
const sheet = new CSSStyleSheet()
sheet.replaceSync(`:host{display:inline-block;color:var(--agentobs-color)}
div,form{display:flex;flex-wrap:wrap;gap:.3em}form,p{margin:.4em 0}::placeholder{color:inherit}p:empty,[hidden]{display:none}
button,textarea{font:inherit;color:inherit;background:none;border:1px solid;border-radius:var(--agentobs-radius,.5em);padding:.3em}
textarea{flex:1;width:9em}div>*{border-color:#0000}.on{color:var(--agentobs-accent);border-color:currentColor}
i{display:block;width:24px;height:24px;background:currentColor;forced-color-adjust:none}.thumbs_down{scale:1 -1}
i{clip-path:path("M1 10h4v12H1zM7 10l5-9q3 0 3 3v5h6q2 0 2 2l-2 9q0 2-2 2H7z")}
.star{clip-path:path("m12 1 3 8h8l-6 5 2 9-7-5-7 5 2-9-6-5h8z")}`)
let store = {}, chain = Promise.resolve(), delay = 2e3, timer
try { store = localStorage } catch {}
const send = key => chain = chain.then(async () => {
	const item = store[key]
	if (!item) return
	let s
	try {
		const [url, body] = JSON.parse(item)
		s = (await fetch(url, {method: "POST", body, keepalive: true, credentials: "omit"})).status
	} catch {}
	const over = s < 500 && s != 408 && s != 429
	if (over && store[key] == item) delete store[key]
	tell[key]?.(over ? s < 300 ? "thanks" : "failed" : "kept")
	clearTimeout(timer)
	timer = setTimeout(flush, delay = over ? 2e3 : Math.min(delay * 2, 3e5))
})
const flush = () => { for (const key in store) key.startsWith(TAG) && send(key) }
const make = (tag, props, ...inner) => {
	const node = Object.assign(doc.createElement(tag), props)
	node.append(...inner)
	return node
}
customElements.get(TAG) || customElements.define(TAG, class extends HTMLElement {
	static observedAttributes = ["token"]
	get(key) { return this.getAttribute(key) || TEXTS[key] }
	attributeChangedCallback() { this.show?.({}) }
	connectedCallback() {
		if (this.show) return
		let said
		const stars = this.get("kind") == "stars" && "star", title = this.get("ask")
		const labels = stars ? ["1_star", "2_stars", "3_stars", "4_stars", "5_stars"] : ["thumbs_up", "thumbs_down"]
		const say = more => {
			this.show({...said, ...more, name: stars ? "stars" : this.get("name")})
			this.post(said, text => status.textContent = this.get(text))
		}
		const buttons = labels.map(label => make("button", {
			title: this.get(label) || label.replace("_", " "), onclick: () => say({label})
		}, make("i", {className: stars || label})))
		const area = make("textarea", {maxLength: 1e3, placeholder: title, title})
		const form = make("form", {onsubmit: () => (say({comment: area.value}), false)}, area, make("button", {}, this.get("send")))
		const status = make("p", {role: "status"})
		this.show = now => {
			const at = labels.indexOf((said = now).label)
			buttons.forEach((b, i) => {
				b.ariaPressed = i == at
				b.className = i == at || stars && i < at ? "on" : ""
			})
			form.hidden = at < 0 || said.comment != null || this.get("comment") == "off"
			if (at < 0) status.textContent = area.value = ""
		}
		this.show({})
		this.attachShadow({mode: "open"}).append(make("div", {role: "group", title: "Feedback"}, ...buttons), form, status)
		this.shadowRoot.adoptedStyleSheets = [sheet]
		doc.getElementById(this.get("for"))?.addEventListener("copy", () => this.post({name: "implicit", label: "copied"}))
	}
	post(said, done) {
		const token = this.get("token"), key = TAG + token + said.name
		const url = this.get("endpoint") || me?.src.replace(/[^/]*$/, "")
		tell[key] = done
		try { store[key] = JSON.stringify([url, JSON.stringify({token, ...said})]) } catch {}
		send(key)
	}
})
me?.dataset.token && me.after(make(TAG))
addEventListener("online", flush)
flush()
})()
