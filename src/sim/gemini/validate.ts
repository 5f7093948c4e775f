import { Refusal } from '../refusal.ts'
import type { Sealer } from '../seal.ts'
import { invalid, invalidAt } from './errors.ts'
import { type Family, familyOf } from './families.ts'
import type { FunctionDeclaration, GenerateRequest } from './request.ts'
import { checkSchema } from './schema-rules.ts'
import { checkSignatures, checkTurns } from './turns.ts'

/** Rules that Google checks once the request could be read; throws the refusal of the first one broken. */
export function validate(request: GenerateRequest, model: string, sealer: Sealer, isVertex: boolean): void {
  const family = familyOf(model)
  const contents = request.contents ?? []
  if (contents.length === 0) throw invalidAt('contents', 'contents is not specified')
  checkConfig(request, family)
  checkTools(request, family)
  if (request.cachedContent !== undefined) {
    throw new Refusal(403, 'PERMISSION_DENIED', 'CachedContent not found (or permission denied)')
  }
  checkTurns(contents)
  checkSignatures(contents, family, sealer, isVertex)
}

const RANGES = [
  ['temperature', 0, 2],
  ['topP', 0, 1]
] as const
const STOPS_MAX = 5
const CANDIDATES_MAX = 8

function checkConfig(request: GenerateRequest, family: Family): void {
  const config = request.generationConfig ?? {}
  for (const [name, least, most] of RANGES) {
    const value = config[name]
    if (value === undefined || (value >= least && value <= most)) continue
    const snake = name === 'topP' ? 'top_p' : name
    throw invalidAt(
      `generation_config.${snake}`,
      `${snake} must be in the range [${least.toFixed(1)}, ${most.toFixed(1)}].`
    )
  }
  if (config.topK !== undefined && config.topK < 1) {
    throw invalidAt('generation_config.top_k', 'top_k must be positive.')
  }
  if (config.maxOutputTokens !== undefined && config.maxOutputTokens < 1) {
    throw invalidAt('generation_config.max_output_tokens', 'max_output_tokens must be positive.')
  }
  const candidates = config.candidateCount ?? 1
  if (candidates < 1 || candidates > CANDIDATES_MAX) {
    throw invalidAt('generation_config.candidate_count', `candidate_count must be in the range [1, ${CANDIDATES_MAX}].`)
  }
  if ((config.stopSequences ?? []).length > STOPS_MAX) {
    throw invalidAt('generation_config.stop_sequences', `at most ${STOPS_MAX} stop sequences are allowed.`)
  }
  if (config.logprobs !== undefined && config.responseLogprobs !== true) {
    throw invalid('Logprobs is only supported when response_logprobs is enabled.')
  }
  checkThinking(config.thinkingConfig, family)
  checkShape(request, family)
}

function checkThinking(thinking: NonNullable<GenerateRequest['generationConfig']>['thinkingConfig'], family: Family) {
  if (thinking?.thinkingBudget !== undefined && thinking.thinkingLevel !== undefined) {
    throw invalid('You can only set only one of thinking budget and thinking level.')
  }
  if (thinking?.thinkingLevel !== undefined && !family.takesLevels) {
    throw invalid('Thinking level is not supported for this model.')
  }
  if (thinking?.thinkingBudget === 0 && family.mustThink) {
    throw invalid('Budget 0 is invalid. This model only works in thinking mode.')
  }
}

function checkShape(request: GenerateRequest, family: Family): void {
  const config = request.generationConfig ?? {}
  const { responseMimeType: mimeType = 'text/plain', responseSchema } = config
  if (!['text/plain', 'application/json', 'text/x.enum'].includes(mimeType)) {
    throw invalidAt(
      'generation_config.response_mime_type',
      'allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.'
    )
  }
  const jsonSchema = config.responseJsonSchema ?? config._responseJsonSchema
  if (responseSchema !== undefined && jsonSchema !== undefined) {
    throw invalid('Only one of response_schema and response_json_schema may be set.')
  }
  if ((responseSchema ?? jsonSchema) !== undefined && mimeType === 'text/plain') {
    throw invalid('Response schema is only supported with response mime type: application/json or text/x.enum.')
  }
  if (responseSchema !== undefined) checkSchema(responseSchema, 'generation_config.response_schema')
  if (mimeType === 'application/json' && !family.mixesTools && declarationsOf(request).length > 0) {
    throw invalid("Function calling with a response mime type: 'application/json' is unsupported")
  }
}

export function declarationsOf(request: GenerateRequest): FunctionDeclaration[] {
  return (request.tools ?? []).flatMap(tool => tool.functionDeclarations ?? [])
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/

function checkTools(request: GenerateRequest, family: Family): void {
  const names: string[] = []
  request.tools?.forEach((tool, at) => {
    tool.functionDeclarations?.forEach((declaration, index) => {
      const path = `tools[${at}].function_declarations[${index}]`
      const { name = '', parameters, parametersJsonSchema } = declaration
      if (!NAME.test(name)) {
        throw invalidAt(
          `${path}.name`,
          'Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), ' +
            'underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.'
        )
      }
      if (names.includes(name)) throw invalid(`Duplicate function declaration found: ${name}`)
      names.push(name)
      if (parameters !== undefined && parametersJsonSchema !== undefined) {
        throw invalidAt(path, 'only one of parameters and parameters_json_schema may be set.')
      }
      if (parameters !== undefined) checkSchema(parameters, `${path}.parameters`)
    })
  })
  const hasHosted = (request.tools ?? []).some(tool => Object.keys(tool).some(name => name !== 'functionDeclarations'))
  if (hasHosted && names.length > 0 && !family.mixesTools) {
    throw invalid('Tool use with function calling is unsupported')
  }
  checkChoice(request, names)
}

function checkChoice(request: GenerateRequest, names: string[]): void {
  const choice = request.toolConfig?.functionCallingConfig
  if (choice === undefined) return
  const { mode, allowedFunctionNames = [] } = choice
  if (names.length === 0 && (mode === 'ANY' || allowedFunctionNames.length > 0)) {
    throw invalid('Function calling config is set without function_declarations.')
  }
  if (allowedFunctionNames.length > 0 && mode !== 'ANY' && mode !== 'VALIDATED') {
    throw invalid('Allowed function names can only be set when function calling mode is ANY or VALIDATED.')
  }
  const stranger = allowedFunctionNames.find(name => !names.includes(name))
  if (stranger !== undefined) {
    throw invalid(`Allowed function name '${stranger}' is not found in the function declarations.`)
  }
}
