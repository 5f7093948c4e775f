import { bedrockError, invalid } from './errors.ts'
import type { Family } from './families.ts'
import type { ConverseRequest, Message } from './schema.ts'

/** Rules over the turns of a conversation; throws the refusal of the first one broken. */
export function checkTurns({ messages, toolConfig }: ConverseRequest, family: Family): void {
  if (messages.length === 0) {
    throw invalid('A conversation must have at least one message. Provide a message and try again.')
  }
  if (messages[0]!.role !== 'user') {
    throw invalid(
      'A conversation must start with a user message. Try again with a conversation that starts with a user message.'
    )
  }
  const isUneven = messages.some(({ role }, index) => role === messages[index - 1]?.role)
  if (isUneven && !family.joinsTurns) {
    throw invalid(
      'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user ' +
        'and assistant roles and try again.'
    )
  }
  if (!toolConfig && messages.some(({ content }) => content.some(block => block.toolUse ?? block.toolResult))) {
    throw invalid('The toolConfig field must be defined when using toolUse and toolResult content blocks.')
  }
  messages.forEach((message, index) => {
    if (message.role === 'user') checkResults(message, messages[index - 1], index)
    else checkUses(message, messages[index + 1], index)
  })
  checkEnd(messages, family)
}

/** Calls that wait for the client; those of hosted tools do not. */
function usesIn(message: Message | undefined): string[] {
  return (message?.content ?? []).flatMap(({ toolUse }) =>
    toolUse && toolUse.type === undefined ? [toolUse.toolUseId] : []
  )
}

function checkUses(message: Message, next: Message | undefined, index: number): void {
  const ids = usesIn(message)
  if (new Set(ids).size < ids.length) {
    throw invalid(`The toolUse blocks at messages.${index}.content contain duplicate Ids: ${ids.join(', ')}`)
  }
  const answered = new Set(next?.content.map(({ toolResult }) => toolResult?.toolUseId))
  const open = ids.filter(id => !answered.has(id))
  if (open.length === 0) return
  throw invalid(`Expected toolResult blocks at messages.${index + 1}.content for the following Ids: ${open.join(', ')}`)
}

function checkResults(message: Message, before: Message | undefined, index: number): void {
  const asked = usesIn(before)
  const ids = message.content.flatMap(({ toolResult }) => (toolResult ? [toolResult.toolUseId] : []))
  if (ids.length > asked.length) {
    throw invalid(
      `The number of toolResult blocks at messages.${index}.content exceeds the number of toolUse blocks of previous turn.`
    )
  }
  if (new Set(ids).size < ids.length) {
    throw invalid(`The toolResult blocks at messages.${index}.content contain duplicate Ids: ${ids.join(', ')}`)
  }
  const strange = ids.filter(id => !asked.includes(id))
  if (strange.length === 0) return
  throw invalid(
    `The toolResult blocks at messages.${index}.content contain Ids of no toolUse block of the previous turn: ` +
      strange.join(', ')
  )
}

function checkEnd(messages: Message[], family: Family): void {
  const last = messages.at(-1)!
  if (last.role === 'user') return
  if (!family.goesOn) throw bedrockError('prefill')
  const { text } = last.content.at(-1) ?? {}
  if (text === undefined || text === text.trimEnd()) return
  throw invalid('messages: final assistant content cannot end with trailing whitespace')
}
