import assert from 'node:assert/strict'
import type { JsonObject } from '../../../src/json.ts'
import { SseReader } from '../../../src/wire/sse.ts'

/** What came of one request of an agent. */
export interface Step {
  text: string
  calls: { id: string; name: string; input: string }[]
}

/** A coding agent as it stands on the wire: its address, headers and body, and how it keeps its history. */
export interface Agent {
  name: string
  /** Tools of its own: one that takes JSON, and where it has such, one that takes free text. */
  tools: readonly string[]
  /** Adds the user's words (or nothing) and asks. */
  ask(said?: string): Promise<Step>
  /** Adds what a tool came to; the next `ask` sends it. */
  result(call: Step['calls'][number], output: string): void
  /** What it asks beside the conversation (a count of tokens). */
  aside?(): Promise<void>
}

export interface Wire {
  url: string
  model: string
}

/** One streamed request; the data of every event as JSON. Fails with the gateway's own words. */
export async function stream(url: string, headers: Record<string, string>, body: JsonObject): Promise<JsonObject[]> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body)
  })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  const events: JsonObject[] = []
  const reader = new SseReader(({ comment, data }) => {
    if (!comment) events.push(JSON.parse(data) as JsonObject)
  })
  reader.push(Buffer.from(text))
  reader.end()
  return events
}

export async function whole(url: string, headers: Record<string, string>, body: JsonObject): Promise<JsonObject> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body)
  })
  const said = (await response.json()) as JsonObject
  assert.equal(response.status, 200, JSON.stringify(said))
  return said
}

/** The reminder that agents put before a conversation: long enough to be worth a cache mark. */
export const INSTRUCTIONS = `You are a coding agent. ${'Read before you write, and run what you wrote. '.repeat(40)}`

export interface Declared {
  name: string
  description: string
  schema: JsonObject
}

export const READ_FILE: Declared = {
  name: 'read_file',
  description: 'Reads a file.',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      file_path: { type: 'string', description: 'Its absolute path.' },
      offset: { anyOf: [{ type: 'integer', exclusiveMinimum: 0 }, { type: 'null' }] },
      edits: {
        type: 'array',
        items: { $ref: '#/$defs/edit' }
      }
    },
    required: ['file_path'],
    additionalProperties: false,
    $defs: {
      edit: {
        type: 'object',
        properties: { old: { type: 'string' }, new: { type: 'string' } },
        required: ['old', 'new'],
        additionalProperties: false
      }
    }
  }
}

export const RUN_SHELL: Declared = {
  name: 'run_shell',
  description: 'Runs a command.',
  schema: {
    type: 'object',
    properties: { command: { type: 'array', items: { type: 'string' } }, timeout_ms: { type: 'number' } },
    required: ['command']
  }
}
