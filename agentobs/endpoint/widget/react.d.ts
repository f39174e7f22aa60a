// Lets TSX know the element: import type {} from "agentobs-feedback/react"
import type { DetailedHTMLProps, HTMLAttributes } from "react"
import type { FeedbackAttributes, FeedbackElement } from "./widget.mjs"

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "agentobs-feedback": DetailedHTMLProps<HTMLAttributes<FeedbackElement>, FeedbackElement> & FeedbackAttributes
    }
  }
}
