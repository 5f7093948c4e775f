import { placesOf, type StandIn, startStandIn } from './service.ts'

/** POST /analyze of the Presidio analyzer (microsoft.github.io/presidio/api-docs): offsets count code points. */

interface Options {
  languages?: readonly string[]
  entities: readonly { word: string; type: string; score: number }[]
}

export function startPresidio({ entities: known, languages = ['en'] }: Options): Promise<StandIn> {
  return startStandIn({
    answer({ method, path, headers, body }) {
      if (method !== 'POST' || path !== '/analyze') throw failure(404, 'The requested URL was not found on the server.')
      if (headers['content-type'] !== 'application/json') {
        throw failure(
          415,
          "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
        )
      }
      // What it does not know it passes over, as the real one does; what it was not given it misses late.
      const {
        text,
        language,
        entities,
        score_threshold = 0
      } = (body ?? {}) as {
        text?: string
        language?: string
        entities?: readonly string[]
        score_threshold?: number
      }
      if (!text) throw failure(500, 'No text provided')
      if (!language) throw failure(500, 'No language provided')
      const wanted = known.filter(({ type }) => !entities || entities.includes(type))
      if (!languages.includes(language) || (entities && wanted.length === 0)) {
        throw failure(500, 'No matching recognizers were found to serve the request.')
      }
      return wanted
        .filter(({ score }) => score >= score_threshold)
        .flatMap(({ word, type, score }) =>
          [...placesOf(word, text)].map(at => {
            const start = [...text.slice(0, at)].length
            return { analysis_explanation: null, end: start + [...word].length, entity_type: type, score, start }
          })
        )
    },
    failure: status => failure(status, 'not now')
  })
}

const failure = (status: number, error: string) => ({ status, body: { error } })
