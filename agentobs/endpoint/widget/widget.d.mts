/** What an element shows or says, each also an attribute of the element. */
export interface Texts {
  thumbs_up?: string
  thumbs_down?: string
  "1_star"?: string
  "2_stars"?: string
  "3_stars"?: string
  "4_stars"?: string
  "5_stars"?: string
  group?: string
  ask?: string
  correct?: string
  send?: string
  thanks?: string
  kept?: string
  failed?: string
  withdrawn?: string
}

export interface Settings extends Texts {
  /** Where the feedback endpoint is mounted: `"/feedback/"`, or a whole address. */
  endpoint?: string
}

/** Sets what holds for every element without an attribute of its own. */
export function configure(settings: Settings): void

/** The text without what looks like a secret or a personal number or address. */
export function redact(text: string): string

/** `detail` of the event `agentobs-feedback`, which an element sends when the endpoint has answered, or cannot be reached. */
export interface FeedbackDetail {
  label?: string
  comment?: string
  correction?: string
  withdraw?: true
  status: "thanks" | "withdrawn" | "kept" | "failed"
}

/** Attributes of `<agentobs-feedback>`. */
export interface FeedbackAttributes extends Texts {
  /** What came with the answer; without it nothing is shown. */
  token?: string | null
  /** Where the endpoint is mounted; else that of `configure`, else where the file was loaded from. */
  endpoint?: string | null
  kind?: "thumbs" | "stars"
  /** What is rated; the token must allow it. */
  name?: string
  comment?: "on" | "off"
  correction?: "on" | "off"
  /** Id of the element with the answer: that a user copies from it is a signal. */
  for?: string
}

export class FeedbackElement extends HTMLElement {
  token: string | null
  endpoint: string | null | undefined
  render(): void
}

declare global {
  interface HTMLElementTagNameMap {
    "agentobs-feedback": FeedbackElement
  }
  interface HTMLElementEventMap {
    "agentobs-feedback": CustomEvent<FeedbackDetail>
  }
}
