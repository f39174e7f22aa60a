// Thumbs, stars, a comment and a correction for the answer that a feedback token came with:
//   <agentobs-feedback token="..." endpoint="/feedback/"></agentobs-feedback>
// widget.js is this file as a plain script, made by `python -m agentobs.endpoint.assets`; README.md shows the attributes.

const TAG = "agentobs-feedback"
const LABELS = {
  thumbs: ["thumbs_up", "thumbs_down"],
  stars: ["1_star", "2_stars", "3_stars", "4_stars", "5_stars"],
}
const DEFAULTS = {
  thumbs_up: "Good answer", thumbs_down: "Bad answer", "1_star": "1 star", "2_stars": "2 stars", "3_stars": "3 stars",
  "4_stars": "4 stars", "5_stars": "5 stars", group: "Feedback", ask: "Comment", correct: "Better answer", send: "Send",
  thanks: "Thank you", kept: "Sent later", failed: "Not sent", withdrawn: "Withdrawn",
}
const STYLE = `
:host{display:inline-block;color:var(--agentobs-color)}
div,form{display:flex;flex-wrap:wrap;gap:.3em}form,p{margin:.4em 0}p:empty,[hidden]{display:none}
button,textarea{font:inherit;color:inherit;background:none;border:1px solid;border-radius:var(--agentobs-radius,.5em);padding:.3em}
textarea{flex:1;width:9em}::placeholder{color:inherit}div>*{border-color:#0000}
.on{color:var(--agentobs-accent);border-color:currentColor}
i{display:block;width:24px;height:24px;background:currentColor;forced-color-adjust:none}.thumbs_down{scale:1 -1}
i{clip-path:path("M1 10h4v12H1zM7 10l5-9q3 0 3 3v5h6q2 0 2 2l-2 9q0 2-2 2H7z")}
.star{clip-path:path("m12 1 3 8h8l-6 5 2 9-7-5-7 5 2-9-6-5h8z")}`
const MOST_RECORDS = 100
const OLDEST_MS = 30 * 86_400_000
const RETRY_MS = 2_000
const SLOWEST_MS = 300_000

// --- where to post ---
const settings = {}

/** Sets what holds for every element without an attribute of its own: `endpoint`, and the texts. */
export function configure(options) {
  Object.assign(settings, options)
  globalThis.document?.querySelectorAll(TAG).forEach(element => element.render?.())
}

/** The folder of the endpoint that this file was loaded from; nothing where it is part of something else. */
function home(url) {
  return /^[^?#]*\/widget\.m?js([?#]|$)/.test(url ?? "") ? url.replace(/widget\.m?js([?#].*)?$/, "") : undefined
}
settings.endpoint = home(import.meta.url)

const complained = new Set()
function complain(text) {
  if (!complained.has(text)) console.error(`<${TAG}>: ${text}`)
  complained.add(text)
}

// --- what waits here is redacted, more broadly than the endpoint does ---
const SECRETS = [
  [/-----BEGIN [^-]*-----[^]*?(-----END [^-]*-----|$)/g, "[SECRET]"],
  [/((?:pass(?:word|wd|wort|phrase)?|pwd|secret|token|api[_ -]?key|credentials?|authorization)\w*\\?["']?\s*(?:[:=]|is\b|ist\b)\s*)(?:\\?"[^"\\]*|'[^']*|(?:basic|bearer)\s+\S+|[^\s"',;]+)/gi, "$1[SECRET]"],
  [/\b(bearer|basic)\s+\S{6,}/gi, "$1 [SECRET]"],
  [/:\/\/[^\s/@]+@/g, "://[SECRET]@"],
  [/[^\s@<>()"',;:]+@[^\s@<>()"',;:]+/g, "[EMAIL]"],
  [/\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}\b/gi, "[IBAN]"],
  [/[A-Za-z0-9_\-+/=.~]{16,}/g, "[SECRET]"],
  [/\+?\(?\d(?:[\s().\u2010-\u2015/-]*\d){5,}/g, "[NUMBER]"],
]

/** The text without what looks like a secret or a personal number or address. */
export function redact(text) {
  return SECRETS.reduce((kept, [pattern, replacement]) => kept.replace(pattern, replacement), text)
}

// --- what this browser knows of each rating: {at, label, receipt, waiting: [url, body]} ---
let storage = {}
try {
  storage = globalThis.localStorage ?? {}
} catch {} // forbidden: for as long as the page lives

function records() {
  const found = []
  for (const key of Object.keys(storage)) {
    if (key.startsWith(TAG)) found.push([key, read(key)])
  }
  return found.sort(([, a], [, b]) => a.at - b.at)
}

function read(key) {
  try {
    return JSON.parse(storage[key] ?? "{}") ?? {}
  } catch {
    return {}
  }
}

function write(key, record) {
  try {
    storage[key] = JSON.stringify({...record, at: Date.now()})
    const all = records()
    all.forEach(([other, {at, waiting}], index) => {
      const old = !(Date.now() - at < OLDEST_MS)
      if (old || (!waiting && index < all.length - MOST_RECORDS)) delete storage[other]
    })
  } catch {} // full: it is sent, and not remembered
}

// --- sending, one after the other ---
const listeners = {}
let chain = Promise.resolve()
let delay_ms = RETRY_MS
let timer

function post(key, url, content, listener) {
  const body = {...content}
  for (const member of ["comment", "correction"]) if (body[member]) body[member] = redact(body[member])
  listeners[key] = listener
  write(key, {...read(key), label: content.label, waiting: [url, body]})
  send(key, content)
}

function send(key, content) {
  chain = chain.then(async () => {
    const record = read(key), [url, body] = record.waiting ?? []
    const now = content ?? body
    if (!url || !now) return
    let status, answer = {}
    try {
      const response = await fetch(url, {
        method: "POST", credentials: "omit", keepalive: true,
        // text/plain needs no preflight
        body: JSON.stringify(record.receipt ? {...now, receipt: record.receipt} : now),
      })
      status = response.status
      answer = await response.json()
    } catch {
      if (!status && navigator.onLine) {
        complain(`${url} cannot be reached; is the page's origin in origins=, and in connect-src of its own policy?`)
      }
    }
    const over = status < 500 && status != 408 && status != 429
    const taken = status < 300 && answer.id != null, latest = read(key)
    if (over) {
      const same = JSON.stringify(latest.waiting) == JSON.stringify(record.waiting)
      write(key, {...latest, receipt: answer.receipt ?? latest.receipt, waiting: same ? undefined : latest.waiting})
      if (!taken) {
        delete storage[key]
        complain(`${url} answered ${status}: ${answer.detail ?? "it is not a feedback endpoint; set endpoint="}`)
      }
    }
    listeners[key]?.(!over ? "kept" : taken ? (now.withdraw ? "withdrawn" : "thanks") : "failed")
    clearTimeout(timer)
    delay_ms = over ? RETRY_MS : Math.min(delay_ms * 2, SLOWEST_MS)
    timer = setTimeout(flush, delay_ms)
  })
}

function flush() {
  for (const [key, {waiting}] of records()) if (waiting) send(key)
}

// --- the element ---
function make(tag, properties, ...inner) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...inner)
  return node
}

let sheet
function styled(root) {
  if (!sheet) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
  }
  root.adoptedStyleSheets = [sheet]
}

export class FeedbackElement extends (globalThis.HTMLElement ?? Object) {
  static observedAttributes = ["token", "endpoint", "kind", "name", "comment", "correction", ...Object.keys(DEFAULTS)]
  #copy = event => this.#copied(event)
  #content = {}

  connectedCallback() {
    this.shadowRoot ?? styled(this.attachShadow({mode: "open"}))
    document.addEventListener("copy", this.#copy)
    this.render()
  }

  disconnectedCallback() {
    document.removeEventListener("copy", this.#copy)
    delete listeners[this.#key(this.#name())]
  }

  attributeChangedCallback(attribute, before, now) {
    if (before !== now) this.render()
  }

  get token() { return this.getAttribute("token") }
  set token(value) { this.#set("token", value) }
  get endpoint() { return this.getAttribute("endpoint") ?? settings.endpoint }
  set endpoint(value) { this.#set("endpoint", value) }

  /** Draws the element anew: what is known of the rating of its token. */
  render() {
    if (!this.shadowRoot || !this.isConnected) return
    this.shadowRoot.replaceChildren()
    // Without a token there is nothing to rate yet.
    if (!this.token) return
    // Not at once: the program that imports this file calls configure() after it.
    setTimeout(() => {
      if (this.token && !this.#url()) complain("there is no endpoint to post to; set endpoint=, or call configure({endpoint})")
    })
    const kind = this.getAttribute("kind") == "stars" ? "stars" : "thumbs", labels = LABELS[kind]
    this.#content = {label: read(this.#key(this.#name())).label}
    const buttons = labels.map(label => make("button", {type: "button", title: this.#text(label)},
      make("i", {className: kind == "stars" ? "star" : label})))
    const [comment, correction] = [["comment", "ask"], ["correction", "correct"]].map(([member, text]) =>
      make("textarea", {maxLength: member == "comment" ? 1_000 : 2_000, placeholder: this.#text(text), title: this.#text(text)}))
    const form = make("form", {}, comment, correction, make("button", {}, this.#text("send")))
    const status = make("p", {role: "status"})
    const wants = {comment: this.getAttribute("comment") != "off", correction: this.getAttribute("correction") == "on"}
    comment.hidden = !wants.comment
    correction.hidden = !wants.correction
    const show = () => {
      const at = labels.indexOf(this.#content.label)
      buttons.forEach((button, index) => {
        button.ariaPressed = index == at
        button.className = index == at || (kind == "stars" && index < at) ? "on" : ""
      })
      form.hidden = at < 0 || this.#content.done || !(wants.comment || wants.correction)
    }
    const rate = content => {
      this.#content = content
      show()
      const {done, ...members} = content
      this.#post(this.#name(), members, text => {
        status.textContent = this.#text(text)
        this.dispatchEvent(new CustomEvent(TAG, {bubbles: true, composed: true, detail: {...members, status: text}}))
      })
    }
    buttons.forEach((button, index) => {
      const label = labels[index]
      // Pressed again, the rating is taken back.
      button.onclick = () => rate(this.#content.label == label ? {withdraw: true} : {label})
    })
    form.onsubmit = () => {
      const content = {label: this.#content.label, done: true}
      if (comment.value) content.comment = comment.value
      if (correction.value) content.correction = correction.value
      rate(content)
      return false
    }
    this.shadowRoot.append(make("div", {role: "group", title: this.#text("group")}, ...buttons), form, status)
    // What was rated before this page was loaded has had its comment.
    this.#content.done = this.#content.label != null
    show()
  }

  #set(attribute, value) {
    if (value == null) this.removeAttribute(attribute)
    else this.setAttribute(attribute, value)
  }

  #text(key) { return this.getAttribute(key) || settings[key] || DEFAULTS[key] }
  #name() { return this.getAttribute("kind") == "stars" ? "stars" : this.getAttribute("name") ?? "user_feedback" }
  #key(name) { return TAG + this.token + name }
  #url() { return this.endpoint && this.endpoint.replace(/\/?$/, "/") }

  #post(name, content, listener) {
    const url = this.#url(), token = this.token
    // Control characters are not text, and the endpoint refuses them.
    for (const member of ["comment", "correction"]) {
      if (content[member]) content[member] = content[member].replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "")
    }
    if (url) post(this.#key(name), new URL(url, document.baseURI).href, {token, name, ...content}, listener)
    else listener("failed")
  }

  #copied(event) {
    const answer = document.getElementById(this.getAttribute("for"))
    const known = read(this.#key("implicit")).label
    if (this.token && !known && answer?.contains(event.target)) this.#post("implicit", {label: "copied"}, () => {})
  }
}

if (globalThis.customElements) {
  if (customElements.get(TAG)) console.warn(`<${TAG}> is defined already, by another copy of the widget`)
  else customElements.define(TAG, FeedbackElement)
  addEventListener("online", flush)
  flush()
}
