import type { Event, PartType } from '../dialects/canonical.ts'
import { addUsage, mergeUsage, type Usage } from '../usage.ts'

/** So much text is kept to go on from; a longer answer that breaks is not gone on with. In characters. */
const TEXT_CHARS_MAX = 4_000_000

/** Parts that can be gone on with, or begun anew after a break; anything else must come in one piece. */
const WORDS: ReadonlySet<PartType> = new Set(['text', 'thinking'])

/** What a client has been told of an answer, whoever said it: enough to know whether and how it can be gone on with. */
export class Told {
  /** All text, joined. */
  text = ''
  /** The part that is open now. */
  open: { index: number; type: PartType } | undefined
  /** Index of the next part to open. */
  nextIndex = 0
  #isWhole = true
  #isFinished = false
  /** What attempts that broke said they had used, and what the present one says. */
  #before: Partial<Usage> | undefined
  #usage: Partial<Usage> | undefined

  /**
   * Whether another attempt may go on: one choice, of text and thinking alone. A tool call that has begun is never gone
   * on with, be it finished or not: what follows it depends on it.
   */
  get canGoOn(): boolean {
    return this.#isWhole && !this.#isFinished && this.text.length <= TEXT_CHARS_MAX
  }

  push(event: Event): void {
    switch (event.type) {
      case 'open':
        if (event.choice !== 0 || !WORDS.has(event.part.type)) this.#isWhole = false
        this.open = { index: event.index, type: event.part.type }
        this.nextIndex = Math.max(this.nextIndex, event.index + 1)
        if (event.part.type === 'text') this.#say(event.part.text)
        return
      case 'delta':
        if (event.choice !== 0) this.#isWhole = false
        else if (this.open?.index === event.index && this.open.type === 'text') this.#say(event.text ?? '')
        return
      case 'close':
        if (this.open?.index === event.index) this.open = undefined
        return
      case 'finish':
        this.#isFinished = true
        return
    }
  }

  #say(text: string): void {
    if (this.text.length <= TEXT_CHARS_MAX) this.text += text
  }

  /** Notes a report of the present attempt; returns what all of them have used by then. */
  used(report: Partial<Usage>): Partial<Usage> {
    this.#usage = mergeUsage(this.#usage, report)
    return this.#before ? addUsage(this.#before, this.#usage) : report
  }

  /** The attempt broke: its usage is final. */
  broke(): void {
    if (this.#usage) this.#before = addUsage(this.#before, this.#usage)
    this.#usage = undefined
  }
}
