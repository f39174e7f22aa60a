// Answers in React with thumbs under each. The widget is installed from this repository:
//   npm install ./agentobs/endpoint/widget
import { configure } from "agentobs-feedback"
import { useState } from "react"
import { createRoot } from "react-dom/client"

configure({ endpoint: "/feedback/", thanks: "Thank you!" })

function Answer({ id, text, token }) {
  const [status, setStatus] = useState("")
  return (
    <section>
      <p id={id}>{text}</p>
      <agentobs-feedback token={token} for={id} onagentobs-feedback={event => setStatus(event.detail.status)} />
      <output>{status}</output>
    </section>
  )
}

function Chat() {
  const [answers, setAnswers] = useState([])
  async function ask() {
    const response = await fetch("/answer?question=why")
    const token = response.headers.get("X-Agentobs-Feedback-Token")
    const { answer } = await response.json()
    setAnswers(before => [...before, { id: `answer-${before.length}`, text: answer, token }])
  }
  return (
    <>
      <button onClick={ask}>Why?</button>
      {answers.map(answer => <Answer key={answer.id} {...answer} />)}
    </>
  )
}

createRoot(document.body.appendChild(document.createElement("main"))).render(<Chat />)
