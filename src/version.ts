import { readFileSync } from 'node:fs'

/** As package.json says it; the file is two levels up from the source and from the built file alike. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
