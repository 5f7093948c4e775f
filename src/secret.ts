import { inspect } from 'node:util'

/**
 * A value that must not be printed. Logs, errors, JSON and `console.log` show the last four characters at most;
 * only `reveal()` gives the text, and it is called where a header is written and nowhere else.
 */
export class Secret {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  reveal(): string {
    return this.#text
  }
  /** Whether a text repeats it: the shape of a provider's key is not always known. */
  isIn(text: string): boolean {
    return text.includes(this.#text)
  }
  /** The last four characters, for people who must tell two keys apart; nothing of a short secret. */
  get hint(): string {
    return this.#text.length >= 12 ? `…${this.#text.slice(-4)}` : '…'
  }
  toString(): string {
    return this.hint
  }
  toJSON(): string {
    return this.hint
  }
  [inspect.custom](): string {
    return `Secret(${this.hint})`
  }
}

/**
 * Shapes of credentials in running text: provider keys, cloud keys, our own keys, bearer tokens, JWTs, private keys.
 * Coarse on purpose: it decides whether a provider's error text may be shown, where a false alarm costs only wording.
 */
const SECRET_SHAPE =
  /\b(?:sk-[\w-]{8,}|gsk_\w{8,}|xai-\w{8,}|AIza[\w-]{20,}|ya29\.[\w.-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|ABSK[\w+/=]{16,}|hf_\w{8,}|gh_live_\w{8,}|eyJ[\w-]{8,}\.[\w-]+)|\bBearer\s+[\w.~+/-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY/

/** Whether a text holds something that looks like a credential. */
export function holdsSecret(text: string): boolean {
  return SECRET_SHAPE.test(text)
}
