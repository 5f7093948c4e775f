/**
 * Ids for calls that came without one (OpenAI's legacy `function_call`, Gemini, some providers): the same input gives
 * the same ids, and a result that names only its function finds the call it answers.
 */
export class CallIds {
  readonly #salt: string
  #waiting: { name: string; id: string }[] = []
  #count = 0

  constructor(salt: string) {
    this.#salt = salt.replace(/[^\w-]/g, '').slice(0, 24)
  }

  call(name: string): string {
    const id = `call_${this.#salt}${this.#salt && '_'}${this.#count++}`
    this.#waiting.push({ name, id })
    return id
  }

  /** A call that has an id of its own, for a result that may name only its function. */
  called(name: string, id: string): void {
    this.#waiting.push({ name, id })
  }

  /** The oldest unanswered call of that name. */
  result(name: string): string {
    const at = this.#waiting.findIndex(call => call.name === name)
    return at < 0 ? this.call(name) : this.#waiting.splice(at, 1)[0]!.id
  }

  /** A result that says which call it answers. */
  answered(id: string): void {
    this.#waiting = this.#waiting.filter(call => call.id !== id)
  }
}
