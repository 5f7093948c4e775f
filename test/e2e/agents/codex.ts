import assert from 'node:assert/strict'
import { isObject, type JsonObject } from '../../../src/json.ts'
import { type Agent, INSTRUCTIONS, RUN_SHELL, stream, type Wire } from './agent.ts'

const HEADERS = {
  authorization: 'Bearer sk-agent',
  accept: 'text/event-stream',
  originator: 'codex_cli_rs',
  session_id: '0199a213-81c0-7800-8aa1-bbab2a035a53',
  'user-agent': 'codex_cli_rs/0.162.0'
}

const PATCH = {
  type: 'custom',
  name: 'apply_patch',
  description: 'Edits files. Takes the patch itself, not JSON.',
  format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" /(.|\\n)+/ "*** End Patch"' }
}

/** Codex CLI: responses alone, nothing stored, its own history with the reasoning encrypted, a tool of free text. */
export function codex({ url, model }: Wire): Agent {
  const input: JsonObject[] = [
    message('developer', '<permissions>workspace-write</permissions>'),
    message('user', '<environment_context><cwd>/src</cwd></environment_context>')
  ]
  return {
    name: 'Codex CLI',
    tools: ['run_shell', 'apply_patch'],
    async ask(said) {
      if (said !== undefined) input.push(message('user', said))
      const events = await stream(`${url}/v1/responses`, HEADERS, {
        model,
        instructions: INSTRUCTIONS,
        input,
        tools: [
          {
            type: 'function',
            name: RUN_SHELL.name,
            description: RUN_SHELL.description,
            strict: false,
            parameters: RUN_SHELL.schema
          },
          PATCH
        ],
        tool_choice: 'auto',
        parallel_tool_calls: true,
        reasoning: { effort: 'medium', summary: 'auto' },
        store: false,
        stream: true,
        include: ['reasoning.encrypted_content'],
        prompt_cache_key: HEADERS.session_id,
        text: { verbosity: 'medium' }
      })
      // It takes items as they are done, and needs to hear the end.
      const items = events.flatMap(({ type, item }) =>
        type === 'response.output_item.done' && isObject(item) ? [item] : []
      )
      assert.equal(events.at(-1)?.type, 'response.completed', JSON.stringify(events.at(-1)))
      for (const { id: _, status: __, ...item } of items) input.push(item)
      return {
        text: items.map(textOf).join(''),
        calls: items.flatMap(item =>
          item.type === 'function_call' || item.type === 'custom_tool_call'
            ? [{ id: String(item.call_id), name: String(item.name), input: String(item.arguments ?? item.input) }]
            : []
        )
      }
    },
    result({ id, name }, output) {
      const isFree = name === 'apply_patch'
      input.push({ type: isFree ? 'custom_tool_call_output' : 'function_call_output', call_id: id, output })
    }
  }
}

function message(role: string, text: string): JsonObject {
  return { type: 'message', role, content: [{ type: 'input_text', text }] }
}

function textOf({ type, content }: JsonObject): string {
  if (type !== 'message' || !Array.isArray(content)) return ''
  return content.map(part => (isObject(part) ? String(part.text ?? '') : '')).join('')
}
