import * as z from 'zod'
import { checkKind, type ToolCall } from '../guard.ts'

const options = z.strictObject({
  times: z.int().min(2).max(100).default(4).describe('So many calls of a tool with the same arguments in a row.')
})

/** An agent that does the same again and again, or goes to and fro between two things, and pays for each step. */
export const check = checkKind({
  name: 'loop',
  summary: 'Finds agents that repeat themselves: the same tool with the same arguments, or two in turns.',
  concern: 'quality',
  sides: ['request'],
  actions: ['block', 'flag', 'shadow'],
  action: 'block',
  options,
  create: ({ times }) => ({
    reach: 'whole',
    judge({ calls }) {
      const said = calls.map(({ name, input }: ToolCall) => `${name} ${input}`)
      const repeats = (period: number) => {
        const last = said.slice(-times * period)
        return last.length === times * period && last.every((one, at) => one === last[at % period])
      }
      if (repeats(1)) return [{ rule: 'loop.same', score: 1, reason: `The same tool was called ${times} times alike.` }]
      if (repeats(2))
        return [{ rule: 'loop.alternating', score: 1, reason: `Two calls were made ${times} times in turns.` }]
      return []
    }
  })
})
